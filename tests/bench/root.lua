-- SPDX-License-Identifier: Apache-2.0
-- wrk: asks the roots of many spaces for their etags, as clients poll. Its argument is a file with a path in each line.
wrk.method = "PROPFIND"
wrk.headers["Depth"] = "0"
wrk.headers["Content-Type"] = "application/xml"
local paths, threads = {}, 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init(args)
  wrk.body = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
  for path in io.lines(args[1]) do paths[#paths + 1] = path end
  math.randomseed(1 + number)
end
function request()
  return wrk.format(nil, paths[math.random(#paths)])
end
