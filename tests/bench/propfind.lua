-- SPDX-License-Identifier: Apache-2.0
-- wrk: PROPFIND depth 1; its argument is the body.
wrk.method = "PROPFIND"
wrk.headers["Depth"] = "1"
wrk.headers["Content-Type"] = "application/xml"

function init(args)
  wrk.body = args[1]
end
