/* SPDX-License-Identifier: Apache-2.0 */
/* A whole plugin in plain C: GET /hello says who is asking. Built out of tree against the installed headers. */
#include <atoll/abi/http.h>
#include <atoll/abi/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atoll_str text(const char *s) {
  atoll_str t = {s, strlen(s)};
  return t;
}

static int32_t routes(void *self, const atoll_route_sink *sink) {
  atoll_route route = {sizeof route, 0, text("/hello")};
  (void)self;
  sink->emit(sink->context, &route);
  return ATOLL_OK;
}

static int32_t handle(const atoll_call *call, void *self, const atoll_request *request,
                      const atoll_exchange *exchange) {
  const atoll_header type = {text("Content-Type"), text("text/plain; charset=utf-8")};
  atoll_response response;
  char line[128];
  (void)self;
  if (request->auth_status != ATOLL_OK) return request->auth_status;
  snprintf(line, sizeof line, "hello %.*s\n", (int)call->principal->name.len, call->principal->name.ptr);
  memset(&response, 0, sizeof response);
  response.struct_size = sizeof response;
  response.status = 200;
  response.headers = &type;
  response.header_count = 1;
  response.body = ATOLL_BODY_BYTES;
  response.bytes.ptr = line; /* copied, since there is no release */
  response.bytes.len = strlen(line);
  exchange->respond(exchange, &response);
  return ATOLL_OK;
}

static const atoll_http http = {sizeof http, 0, routes, handle};

static const void *query(const char *id) { return strcmp(id, ATOLL_HTTP) == 0 ? &http : NULL; }

static int32_t create(const atoll_call *call, const atoll_host *host, void **self) {
  (void)call;
  (void)host;
  *self = malloc(1);
  return *self ? ATOLL_OK : ATOLL_RESOURCE_EXHAUSTED;
}

static const atoll_plugin plugin = {.struct_size = sizeof plugin,
                                    .abi_major = ATOLL_ABI_MAJOR,
                                    .abi_minor_built = ATOLL_ABI_MINOR,
                                    .abi_minor_required = ATOLL_ABI_MINOR,
                                    .thread_model = ATOLL_THREADS_PARALLEL,
                                    .config_key_size = sizeof(atoll_config_key),
                                    .id = "org.example.hello",
                                    .version = "1.0",
                                    .licence = "Apache-2.0",
                                    .summary = "Says hello",
                                    .query = query,
                                    .create = create,
                                    .destroy = free};

ATOLL_EXPORT const atoll_plugin *atoll_plugin_entry(uint32_t host_major, uint32_t host_minor) {
  (void)host_minor;
  return host_major == ATOLL_ABI_MAJOR ? &plugin : NULL;
}
