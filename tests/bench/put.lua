-- SPDX-License-Identifier: Apache-2.0
-- wrk: PUT of 4 KiB files. Arguments: path prefix, Authorization value or "-".
local body = string.rep("0123456789abcdef", 256)
local threads, failed = 0, 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
function init(args)
  prefix, count = args[1], 0
  headers = {["Content-Type"] = "application/octet-stream"}
  if args[2] ~= "-" then headers["Authorization"] = args[2] end
end
function request()
  count = count + 1
  return wrk.format("PUT", prefix .. number .. "-" .. (count) .. ".bin", headers, body)
end
