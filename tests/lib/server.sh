# SPDX-License-Identifier: Apache-2.0
# Sourced by the test scripts: starts and stops a server of its own for each test.
#
#   server_start [CONFIG]    data in $WORK/data; sets URL, PORT, METRICS; waits until /readyz says 200. LISTEN takes the
#                            place of 127.0.0.1:$PORT
#   server_stop              SIGTERM; fails on a bad exit or a sanitizer's report
#   server_kill              SIGKILL
#   server_user NAME PASS    adds a user
#   fail TEXT, note TEXT, same_tree A B, wait_until COMMAND...
#
# ATOLL_BUILD is the build tree (build/release by default). What depends on the server's command line stands here only.
set -eu -o pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOP=$(cd "$HERE/.." && pwd)
ATOLL_BUILD=${ATOLL_BUILD:-$TOP/build/release}
ATOLL=${ATOLL:-$ATOLL_BUILD/core/main/atoll}
ADMIN=admin
ADMIN_PASSWORD='Grün 4%und+7'
USER2=marie
USER2_PASSWORD='radio:activity'
SERVER_PID=
WORK=$(mktemp -d "${TMPDIR:-/tmp}/atoll-test.XXXXXX")
export ATOLL_PLUGIN_PATH=${ATOLL_PLUGIN_PATH:-$ATOLL_BUILD/plugins}
ATOLL_SERVE_OPTIONS=${ATOLL_SERVE_OPTIONS---devel} # plugins from the build tree
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:exitcode=99}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1:exitcode=99}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=0:exitcode=99:suppressions=$HERE/lib/tsan.supp}
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy || true

note() { printf '%s\n' "-- $*"; }

fail() {
  printf '%s\n' "FAILED: $*" >&2
  if [ -f "$WORK/server.log" ]; then
    grep -a -E -A 45 -m 2 'ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$WORK/server.log" >&2 || true
    printf '%s\n' '-- the end of the server log:' >&2
    tail -n 40 "$WORK/server.log" >&2
  fi
  exit 1
}

# One of two free ports below the ephemeral range. A lock folder keeps parallel tests apart.
free_port() {
  /usr/bin/python3 - <<'PY'
import os, random, socket, sys
locks = os.path.join(os.environ.get("TMPDIR", "/tmp"), "atoll-test-ports-%d" % os.getuid())
os.makedirs(locks, exist_ok=True)
first, last = (int(p) for p in os.environ.get("ATOLL_TEST_PORTS", "22600-22699").split("-"))
ports = list(range(first, last + 1))
random.shuffle(ports)
owner = os.getppid()
for port in ports:
    lock = os.path.join(locks, str(port))
    try:
        if os.path.exists(lock) and not os.path.exists("/proc/" + (open(lock).read() or "0")):
            os.unlink(lock)
        fd = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except OSError:
        continue
    os.write(fd, os.environ["PORT_OWNER"].encode())
    os.close(fd)
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(("127.0.0.1", port))
    except OSError:
        os.unlink(lock)
        continue
    print(port)
    sys.exit(0)
sys.exit("no free port in %d-%d" % (first, last))
PY
}

server_running() { [ -n "$SERVER_PID" ] && kill -0 "$SERVER_PID" 2>/dev/null; }

# wait_until SECONDS COMMAND...: true as soon as the command succeeds
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.05
  done
}

server_ready() { [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "http://127.0.0.1:$METRICS/readyz")" = 200 ]; }
server_ready_or_dead() { server_ready || ! server_running; }

server_start() {
  [ -x "$ATOLL" ] || fail "no server at $ATOLL; build it first: cmake --build $ATOLL_BUILD"
  [ -n "${PORT:-}" ] || PORT=$(PORT_OWNER=$$ free_port)
  [ -n "${METRICS:-}" ] || METRICS=$(PORT_OWNER=$$ free_port)
  URL=http://127.0.0.1:$PORT
  local config=()
  [ $# -eq 0 ] && [ -z "${ATOLL_TEST_CONFIG:-}" ] || config=(--config "${1:-$ATOLL_TEST_CONFIG}")
  mkdir -p "$WORK/data"
  printf '%s\n' "== start ==" >>"$WORK/server.log"
  ATOLL_ADMIN_PASSWORD=$ADMIN_PASSWORD "$ATOLL" serve $ATOLL_SERVE_OPTIONS "${config[@]}" --data "$WORK/data" --listen "${LISTEN:-127.0.0.1:$PORT}" \
    --metrics-listen "127.0.0.1:$METRICS" >>"$WORK/server.log" 2>&1 </dev/null &
  SERVER_PID=$!
  wait_until "${START_TIMEOUT:-60}" server_ready_or_dead || true
  server_ready || fail "the server isn't ready: $(curl -s --max-time 5 "http://127.0.0.1:$METRICS/readyz" || true)"
  export URL
}

server_check_log() {
  if grep -a -E 'ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer|runtime error:' "$WORK/server.log" >&2; then
    fail "a sanitizer reported something"
  fi
}

server_stop() {
  server_running || fail "the server is gone before it was told to stop"
  kill -TERM "$SERVER_PID"
  local code=0
  wait_until 60 eval "! kill -0 $SERVER_PID || grep -q '^State:.*Z' /proc/$SERVER_PID/status" || fail "the server didn't stop within 60 s of SIGTERM"
  wait "$SERVER_PID" || code=$?
  SERVER_PID=
  [ "$code" -eq 0 ] || fail "the server ended with exit code $code"
  server_check_log
}

server_kill() {
  kill -KILL "$SERVER_PID"
  { wait "$SERVER_PID" || true; } 2>/dev/null
  SERVER_PID=
}

server_user() { # NAME PASSWORD
  printf '%s' "$2" | "$ATOLL" user add "$1" --password-stdin --data "$WORK/data" || fail "user add $1"
}

# same_tree A B: names and bytes agree, hidden client files aside
same_tree() {
  (cd "$1" && find . -type f ! -name '.sync_*' ! -name '._sync_*' ! -name '.owncloudsync*' -exec sha256sum {} + | LC_ALL=C sort -k2) >"$WORK/a.sums"
  (cd "$2" && find . -type f ! -name '.sync_*' ! -name '._sync_*' ! -name '.owncloudsync*' -exec sha256sum {} + | LC_ALL=C sort -k2) >"$WORK/b.sums"
  diff "$WORK/a.sums" "$WORK/b.sums" >"$WORK/sums.diff" || { head -20 "$WORK/sums.diff" >&2; fail "$1 and $2 differ"; }
  (cd "$1" && find . -mindepth 1 -type d | LC_ALL=C sort) >"$WORK/a.dirs"
  (cd "$2" && find . -mindepth 1 -type d | LC_ALL=C sort) >"$WORK/b.dirs"
  diff "$WORK/a.dirs" "$WORK/b.dirs" >&2 || fail "the folders of $1 and $2 differ"
}

cleanup() {
  local code=$?
  if server_running; then
    kill -KILL "$SERVER_PID" 2>/dev/null || true
    { wait "$SERVER_PID" || true; } 2>/dev/null
  fi
  if declare -F at_exit >/dev/null; then at_exit || true; fi
  if [ "$code" -ne 0 ] && [ -n "${ATOLL_TEST_KEEP:-}" ]; then
    printf '%s\n' "kept: $WORK" >&2
  else
    rm -rf "$WORK"
  fi
  for port in ${PORT:-} ${METRICS:-}; do
    rm -f "${TMPDIR:-/tmp}/atoll-test-ports-$(id -u)/$port"
  done
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# need COMMAND...: what tools/test installs
need() {
  local c
  for c in "$@"; do
    command -v "$c" >/dev/null || fail "'$c' is missing; tools/test installs it (see tools/packages)"
  done
}
