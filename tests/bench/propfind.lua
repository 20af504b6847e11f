-- SPDX-License-Identifier: Apache-2.0
-- wrk: PROPFIND depth 1 with five properties.
wrk.method = "PROPFIND"
wrk.headers["Depth"] = "1"
wrk.headers["Content-Type"] = "application/xml"
wrk.body = '<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getlastmodified/><getcontentlength/><getetag/><getcontenttype/></prop></propfind>'
