#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The atoll command against a server of its own: command_test.sh PATH-OF-ATOLL. Ports are picked by the system.
set -u -o pipefail
atoll=$1
work=$(mktemp -d)
data=$work/data
server=
failures=0
cleanup() {
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT
unset ATOLL_ADMIN_PASSWORD ATOLL_CONFIG ATOLL_PLUGIN_PATH

# check TEXT EXPECTED-CODE PATTERN COMMAND...: what it prints, on either stream, holds PATTERN
check() {
  local text=$1 want=$2 pattern=$3 code=0
  shift 3
  "$@" >"$work/out" 2>&1 </dev/null || code=$?
  if [ "$code" -ne "$want" ]; then
    echo "FAILED: $text: exit code $code instead of $want"
  elif ! grep -q -- "$pattern" "$work/out"; then
    echo "FAILED: $text: no '$pattern'"
  else
    return 0
  fi
  sed 's/^/    /' "$work/out"
  failures=$((failures + 1))
}
until_true() { # SECONDS COMMAND...
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.05
  done
}
start() {
  rm -f "$work/log"  # what the last one wrote must not be taken for an answer
  "$atoll" serve --data "$data" --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 "$@" >"$work/log" 2>&1 &
  server=$!
  until_true 60 grep -q 'health and metrics are at' "$work/log" || { echo "FAILED: no start"; cat "$work/log"; exit 1; }
  url=$(sed -n 's/.*Atoll is at \(http[^ ]*\).*/\1/p' "$work/log")
  health=$(sed -n 's/.*health and metrics are at \(http[^ ]*\).*/\1/p' "$work/log")
}
stop() {
  kill -TERM "$server"
  local code=0
  wait "$server" || code=$?
  server=
  [ "$code" -eq 0 ] || { echo "FAILED: exit code $code of serve"; cat "$work/log"; failures=$((failures + 1)); }
}
code() { curl -s -o /dev/null -w '%{http_code}' --max-time 30 "$@"; }
expect() { # TEXT WANTED GOT
  [ "$2" = "$3" ] || { echo "FAILED: $1: $3 instead of $2"; failures=$((failures + 1)); }
}

# ---- without a server
check "help" 0 "serve" "$atoll" --help
check "help of a verb" 0 "--metrics-listen" "$atoll" serve --help
check "no verb" 64 "Usage" "$atoll"
check "wrong verb" 64 "did you mean 'serve'" "$atoll" serv
check "wrong option" 64 "did you mean '--listen'" "$atoll" serve --lisen x
check "missing word" 64 "usage: atoll user add NAME" "$atoll" user add
check "a group" 64 "atoll user list" "$atoll" user
check "version" 0 "^atoll [0-9]" "$atoll" version
check "built-in configuration" 0 "8 instances" "$atoll" config check
check "where values come from" 0 "command line --data" "$atoll" config show --data "$data"
check "the environment" 0 "environment ATOLL__STORAGE__HOME__ROOT" \
  env ATOLL__STORAGE__HOME__ROOT=/srv "$atoll" config show
check "tables" 0 '| `listen` | text |' "$atoll" config keys --markdown
check "plugins" 0 "^storage-posix " "$atoll" plugin list
check "a plugin" 0 "atoll.storage.fs/1" "$atoll" plugin show storage-posix
check "no plugin" 67 "did you mean 'storage-posix'" "$atoll" plugin show storage-psix
check "no server" 69 "no server is running" "$atoll" status --data "$data"
printf '[storage:home]\nplugin = storage-posix\nrot = x\n[http:dav]\nplugin = api-webdv\n' >"$work/bad.ini"
check "mistakes" 78 "bad.ini:3: .*did you mean 'root'" "$atoll" config check --config "$work/bad.ini"
check "all of them" 78 "bad.ini:5: .*did you mean 'api-webdav'" "$atoll" config check --config "$work/bad.ini"
check "serve with mistakes" 78 "bad.ini:3" "$atoll" serve --config "$work/bad.ini" --data "$data"
[ ! -e "$data" ] || { echo "FAILED: a wrong configuration touched the data"; failures=$((failures + 1)); }
for verb in "check" "rebuild x" "confirm x"; do
  want=69
  [ "$verb" != check ] || want=3
  check "no data for space $verb" $want "no data of one; name the folder with --data or --config" "$atoll" space $verb --data "$data"
done
[ ! -e "$data" ] || { echo "FAILED: looking after spaces made a data folder"; failures=$((failures + 1)); }
check "first account offline" 0 "Password of marie: " "$atoll" user add marie --data "$data"
grep -q 'The account admin was made with the password' "$work/out" || { echo "FAILED: admin's password is not shown"; failures=$((failures + 1)); }
check "list offline" 0 "^marie .*user" "$atoll" user list --data "$data"
check "no spaces offline" 0 "there is no space to check" "$atoll" space check --data "$data"
check "which configuration it is" 0 "no server is running on $data; working on the data itself with the built-in configuration (--config" \
  "$atoll" space check --data "$data"
printf '[auth:local]\nplugin = auth-local\n[registry:main]\nplugin = registry-sql\n[storage:other]\nplugin = storage-posix\nroot = other\nstate_dir = other-state\n' >"$work/other.ini"
check "or which file" 0 "with the configuration $work/other.ini" "$atoll" space check --data "$data" --config "$work/other.ini"

# ---- with a server
start
check "status" 0 "ready" "$atoll" status --data "$data"
check "status tells what is promised" 0 "^storage:home .*running .*power-cut" "$atoll" status --data "$data"
check "status as JSON does too" 0 '"durability": "power-cut"' "$atoll" status --json --data "$data"
check "second server" 75 "in use by another atoll" "$atoll" serve --data "$data" --listen 127.0.0.1:0 --metrics-listen off
check "port in use" 1 "127.0.0.1" "$atoll" serve --data "$work/other" --listen "${url#http://}" --metrics-listen off
check "account there" 73 "marie" "$atoll" user add marie --data "$data"
check "add an admin" 0 "Made the account" bash -c "printf 'first-pass' | '$atoll' user add curie --admin --password-stdin --data '$data'"
check "list" 0 "^curie .*admin" "$atoll" user list --data "$data"
check "list as JSON" 0 '"name": "curie"' "$atoll" user list --json --data "$data"
expect "login" 200 "$(code -u curie:first-pass "$url/ocs/v2.php/cloud/user")"
check "passwd" 0 "was changed" bash -c "printf 'second-pass' | '$atoll' user passwd curie --password-stdin --data '$data'"
expect "old password" 401 "$(code -u curie:first-pass "$url/ocs/v2.php/cloud/user")"
expect "new password" 200 "$(code -u curie:second-pass "$url/ocs/v2.php/cloud/user")"
expect "upload" 201 "$(code -u curie:second-pass -T "$atoll" "$url/remote.php/webdav/a.bin")"
check "spaces" 0 "personal/curie" "$atoll" space list --data "$data"
check "a clean space" 0 "personal/curie: 2 nodes, 0 findings" "$atoll" space check personal/curie --data "$data"
root_of=$(find "$data" -type d -path '*personal/curie')
trash=$(dirname "$(dirname "$root_of")")/.atoll/spaces/$("$atoll" space list --data "$data" | sed -n 's#^personal/curie .* ##p')/trash
mkdir -p "$trash" && touch "$trash/stray"
check "something is wrong" 1 "orphan-in-trash stray" "$atoll" space check personal/curie --data "$data"
check "as JSON" 1 '"orphan-in-trash"' "$atoll" space check personal/curie --json --data "$data"
# What is wrong with JSON lines on standard input, or the numbers of findings and told spaces.
json_lines() {
  python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
*findings, last = lines
assert all(isinstance(line, dict) for line in lines)
assert all(line["kind"] == "finding" for line in findings) and last["kind"] == "summary", lines
for line in findings:
    assert {"space", "code", "path", "text", "repaired"} <= line.keys(), line
if "error" not in last:
    assert last["findings"] == len(findings) == sum(space.get("findings", 0) for space in last["spaces"]), last
print(len(findings), len(last.get("spaces", [])), "error" if "error" in last else "told")'
}
expect "JSON lines of findings" "1 1 told" "$("$atoll" space check personal/curie --json --data "$data" | json_lines)"
expect "JSON lines without any" "0 1 told" "$(rm "$trash/stray"; "$atoll" space check --json --data "$data" | json_lines)"
expect "JSON lines of no space" "0 0 error" "$("$atoll" space check nobody --json --data "$data" 2>/dev/null | json_lines)"
touch "$trash/stray"
check "one finding" 1 "2 nodes, 1 finding, 0 repaired" "$atoll" space check personal/curie --data "$data"
check "not for a repair to decide" 1 "0 repaired" "$atoll" space check personal/curie --repair --rate 100000 --data "$data"
rm "$trash/stray"
check "all spaces are clean" 0 "0 findings" "$atoll" space check --data "$data"
check "a wrong rate" 2 "number of entries" "$atoll" space check --rate many --data "$data"
check "a wrong option of check" 2 "there is no option" "$atoll" space check --fast --data "$data"
check "no such space" 67 "^atoll: there is no space 'nobody'; atoll space list shows all" "$atoll" space check nobody --data "$data"
check "no such storage" 67 "there is no storage 'home'; did you mean 'storage:home'?" "$atoll" space move personal/curie home --data "$data"
check "nor one like it" 67 "did you mean 'storage:home'?" "$atoll" space move personal/curie storage:hme --data "$data"
check "no snapshot" 67 "there is no folder $work/shot" "$atoll" space restore personal/curie "$work/shot" --data "$data"
check "no room for one" 65 "$work/no/shot shall be made does not exist" "$atoll" space snapshot personal/curie "$work/no/shot" --data "$data"
check "something else" 65 "no snapshot.json" "$atoll" space restore personal/curie "$work" --data "$data"
check "the rule of names" 0 "^exact$" "$atoll" space names personal/curie --data "$data"
check "no such rule" 65 "exact or unique" "$atoll" space names personal/curie folded --data "$data"
expect "a name" 201 "$(code -u curie:second-pass -T "$work/out" "$url/remote.php/webdav/Name")"
expect "one like it" 201 "$(code -u curie:second-pass -T "$work/out" "$url/remote.php/webdav/name")"
check "not with these" 65 "Name and name; rename" "$atoll" space names personal/curie unique --data "$data"
check "still exact" 0 "^exact$" "$atoll" space names personal/curie --data "$data"
expect "one goes" 204 "$(code -u curie:second-pass -X DELETE "$url/remote.php/webdav/name")"
check "unique" 0 "^unique$" "$atoll" space names personal/curie unique --data "$data"
check "in the list" 0 "^personal/curie .* unique " "$atoll" space list --data "$data"
expect "refused now" 403 "$(code -u curie:second-pass -T "$work/out" "$url/remote.php/webdav/name")"
check "exact again" 0 "^exact$" "$atoll" space names personal/curie exact --data "$data"
expect "the other goes" 204 "$(code -u curie:second-pass -X DELETE "$url/remote.php/webdav/Name")"
check "a snapshot" 0 "1 file, 0 folders" "$atoll" space snapshot personal/curie "$work/shot" --data "$data"
cmp -s "$work/shot/files/a.bin" "$atoll" || { echo "FAILED: the snapshot has another content"; failures=$((failures + 1)); }
check "no second one there" 73 "not empty" "$atoll" space snapshot personal/curie "$work/shot" --data "$data"
check "not inside of the storage" 65 "inside of the storage" "$atoll" space snapshot personal/curie "$root_of/shot" --data "$data"
fingerprint() {
  curl -s -u curie:second-pass -X PROPFIND -H 'Depth: 0' "$url/remote.php/webdav/" \
    -d '<propfind xmlns="DAV:"><prop><data-fingerprint xmlns="http://owncloud.org/ns"/></prop></propfind>' |
    grep -o 'data-fingerprint[^<]*'
}
before=$(fingerprint)
expect "replace" 204 "$(code -u curie:second-pass -T "$work/out" "$url/remote.php/webdav/a.bin")"
expect "and more" 201 "$(code -u curie:second-pass -T "$work/out" "$url/remote.php/webdav/more")"
check "restore a file" 0 "1 written" "$atoll" space restore personal/curie "$work/shot" a.bin --data "$data"
curl -s -u curie:second-pass "$url/remote.php/webdav/a.bin" | cmp -s - "$atoll" || { echo "FAILED: the file is not as it was"; failures=$((failures + 1)); }
[ "$before" != "$(fingerprint)" ] || { echo "FAILED: the fingerprint is the same"; failures=$((failures + 1)); }
expect "the other is there" 200 "$(code -u curie:second-pass "$url/remote.php/webdav/more")"
check "restore all" 0 "1 removed" "$atoll" space restore personal/curie "$work/shot" --data "$data"
expect "the other is gone" 404 "$(code -u curie:second-pass "$url/remote.php/webdav/more")"
before=$(fingerprint)
check "restored again" 0 "0 written, 0 moved, 0 removed, 2 same" "$atoll" space restore personal/curie "$work/shot" --data "$data"
expect "that changes no fingerprint" "$before" "$(fingerprint)"
check "rebuild" 0 "indexed anew" "$atoll" space rebuild personal/curie --data "$data"
expect "after that" 200 "$(code -u curie:second-pass "$url/remote.php/webdav/a.bin")"
check "still clean" 0 "0 findings" "$atoll" space check personal/curie --data "$data"
check "nothing to confirm" 65 "nothing is held back" "$atoll" space confirm personal/curie --data "$data"
files_in() {
  curl -s -u curie:second-pass -X PROPFIND -H 'Depth: 1' "$url/remote.php/webdav/$1/" | grep -o '<d:response>' | wc -l
}
mkdir "$root_of/many"
for number in $(seq 150); do echo "$number" >"$root_of/many/$number"; done
for _ in $(seq 600); do [ "$(files_in many)" = 151 ] && break; sleep 0.1; done
expect "files from beside" 151 "$(files_in many)"
until_true 60 "$atoll" space check personal/curie --data "$data" ||
  check "they are in step" 0 "0 findings" "$atoll" space check personal/curie --data "$data"
rm "$root_of"/many/*
expect "held back" 503 "$(code -u curie:second-pass -X PROPFIND -H 'Depth: 1' "$url/remote.php/webdav/many/")"
curl -s -u curie:second-pass -X PROPFIND -H 'Depth: 1' "$url/remote.php/webdav/many/" >"$work/held"
grep -q '<s:errorcode>ERR_FILES_HELD_BACK</s:errorcode>' "$work/held" && grep -q 'atoll space confirm' "$work/held" ||
  { echo "FAILED: the answer does not say that files are held back"; cat "$work/held"; failures=$((failures + 1)); }
check "the list says so" 0 "^personal/curie .*held back" "$atoll" space list --data "$data"
check "status says so" 1 "^storage:home .*degraded .*at least 150 files" "$atoll" status --data "$data"
check "nothing can be told" 3 "atoll space confirm" "$atoll" space check --data "$data"
expect "JSON lines of what cannot be told" "0 1 told" "$("$atoll" space check --json --data "$data" 2>/dev/null | json_lines)"
check "confirm" 0 "are removed" "$atoll" space confirm personal/curie --data "$data"
expect "they are gone" 1 "$(files_in many)"
check "and the space is active" 0 "^personal/curie .*active" "$atoll" space list --data "$data"
mv "$data/storage/.atoll/marker" "$work/marker"
check "a lost mount is told at once" 1 "^storage:home .*degraded" "$atoll" status --data "$data"
expect "with the first 503" 503 "$(code -u curie:second-pass "$url/remote.php/webdav/a.bin")"
check "the list knows" 0 "^personal/curie .*unavailable" "$atoll" space list --data "$data"
mv "$work/marker" "$data/storage/.atoll/marker"
check "it is back" 0 "^storage:home .*running" "$atoll" status --data "$data"
expect "its files are back" 200 "$(code -u curie:second-pass "$url/remote.php/webdav/a.bin")"
check "clean after that" 0 "0 findings" "$atoll" space check --data "$data"
expect "ready" 200 "$(code "$health/readyz")"
check "stop an instance" 0 "is stopped" "$atoll" instance stop storage:home --data "$data"
expect "its files" 503 "$(code -u curie:second-pass "$url/remote.php/webdav/a.bin")"
expect "not ready" 503 "$(code "$health/readyz")"
expect "alive" 200 "$(code "$url/healthz")"
check "status says so" 1 "storage:home .*stopped" "$atoll" status --data "$data"
check "start it" 0 "is running" "$atoll" instance start storage:home --data "$data"
expect "its files again" 200 "$(code -u curie:second-pass "$url/remote.php/webdav/a.bin")"
check "restart the protocol" 0 "is running" "$atoll" instance restart http:webdav --data "$data"
expect "files after that" 200 "$(code -u curie:second-pass "$url/remote.php/webdav/a.bin")"
check "no such instance" 67 "did you mean 'storage:home'" "$atoll" instance stop storage:hme --data "$data"
check "check cannot tell" 3 "not running" bash -c "'$atoll' instance stop storage:home --data '$data' >/dev/null && '$atoll' space check --data '$data'"
check "and can again" 0 "is running" "$atoll" instance start storage:home --data "$data"
check "remove" 0 "Removed" "$atoll" user remove curie --data "$data"
expect "removed" 401 "$(code -u curie:second-pass "$url/ocs/v2.php/cloud/user")"
check "removed twice" 67 "there is no account" "$atoll" user remove curie --data "$data"
check "metrics" 0 'atoll_instance_up{instance="storage:home"' curl -s "$health/metrics"
grep -q 'first-pass\|second-pass' "$work/log" && { echo "FAILED: a password in the log"; failures=$((failures + 1)); }
stop

# ---- reload
cat >"$work/atoll.ini" <<'INI'
[auth:local]
plugin = auth-local
[http:ocs]
plugin = share-ocs
[log]
format = text
INI
start --config "$work/atoll.ini"
sed -i 's/^format = text/format = json/' "$work/atoll.ini"
kill -HUP "$server"
until_true 30 grep -q '"message":"configuration read again"' "$work/log" || { echo "FAILED: no reload"; cat "$work/log"; failures=$((failures + 1)); }
echo 'colour = red' >>"$work/atoll.ini"
kill -HUP "$server"
until_true 30 grep -q 'nothing was changed' "$work/log" || { echo "FAILED: a wrong reload was taken"; cat "$work/log"; failures=$((failures + 1)); }
grep -q "atoll.ini:7: .*no key 'colour'" "$work/log" || { echo "FAILED: the reload names no line"; cat "$work/log"; failures=$((failures + 1)); }
stop

# ---- an instance that cannot start leaves the rest serving
cat >"$work/broken.ini" <<INI
[auth:local]
plugin = auth-local
[registry:main]
plugin = registry-sql
database = /proc/nowhere/registry.db
[http:ocs]
plugin = share-ocs
INI
start --config "$work/broken.ini"
expect "the rest serves" 200 "$(code "$url/ocs/v2.php/cloud/capabilities?format=json")"
expect "readiness names it" 503 "$(code "$health/readyz")"
check "why" 1 "registry:main .*backing off" "$atoll" status --data "$data"
stop

[ "$failures" -eq 0 ] || { echo "$failures failed"; exit 1; }
echo "all right"
