-- SPDX-License-Identifier: Apache-2.0
-- wrk: looks for users. Its arguments are a path that ends where the text goes, and how many numbers of six digits there are.
local path, most, threads = "", 1, 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init(args)
  path, most = args[1], tonumber(args[2])
  math.randomseed(1 + number)
end
function request()
  return wrk.format("GET", path .. string.format("%06d", math.random(most) - 1))
end
