# SPDX-License-Identifier: Apache-2.0
# Sourced: a small disk of its own at $WORK/data, an ext4 image on a loop device where that may be mounted. Without the
# right to mount anything the test is skipped (exit code 77) and says so.

disk_make() { # MEGABYTES
  mkdir -p "$WORK/data"
  truncate -s "$1M" "$WORK/disk.img"
  mkfs.ext4 -q -F -m 0 "$WORK/disk.img" 2>/dev/null || { note "SKIPPED: mkfs.ext4 is missing"; exit 77; }
  disk_mount
}
disk_mount() {
  mount -o loop,errors=remount-ro "$WORK/disk.img" "$WORK/data" 2>"$WORK/mount.err" ||
    { note "SKIPPED: no right to mount a loop device here: $(cat "$WORK/mount.err")"; exit 77; }
}
disk_unmount() { umount "$WORK/data"; }
at_exit() { if mountpoint -q "$WORK/data"; then umount "$WORK/data" || umount -l "$WORK/data"; fi; }

# answer METHOD PATH [curl's arguments]: status in $STATUS, body in $WORK/body
answer() {
  local method=$1 path=$2
  shift 2
  STATUS=$(curl -s -o "$WORK/body" -w '%{http_code}' --max-time 120 -u "$ADMIN:$ADMIN_PASSWORD" -X "$method" "$@" "$URL/remote.php/webdav$path") || true
}
expect() { # STATUS... : $STATUS is one of them, and an error carries a sentence
  case " $* " in *" $STATUS "*) ;; *) fail "expected $*, got $STATUS: $(head -c 500 "$WORK/body")" ;; esac
  if [ "$STATUS" -ge 400 ] && [ "$STATUS" != 404 ]; then
    grep -q -E '<s:message>[^<]+ [^<]+' "$WORK/body" || fail "$STATUS without a sentence: $(head -c 500 "$WORK/body")"
  fi
}
no_rest() { # nothing is left of uploads that failed
  local rest
  rest=$(find "$WORK/data" -path '*/staging/*' -type f | head -5)
  [ -z "$rest" ] || fail "left in staging: $rest"
}
