# SPDX-License-Identifier: Apache-2.0
# Sourced: a small disk of its own at $WORK/data, an image on a loop device where that may be mounted. Without the right to
# mount anything the test is skipped (exit code 77) and says so.

disk_make() { # MEGABYTES [ext4, xfs or btrfs]
  local options=(-q -F -m 0)
  DISK_OPTIONS=loop,errors=remount-ro
  mkdir -p "$WORK/data"
  truncate -s "$1M" "$WORK/disk.img"
  if [ "${2:-ext4}" != ext4 ]; then
    options=(-q -f)
    DISK_OPTIONS=loop
  fi
  "mkfs.${2:-ext4}" "${options[@]}" "$WORK/disk.img" 2>"$WORK/mkfs.err" ||
    { note "SKIPPED: mkfs.${2:-ext4} is missing or fails: $(cat "$WORK/mkfs.err")"; exit 77; }
  disk_mount
}
disk_mount() {
  mount -o "$DISK_OPTIONS" "$WORK/disk.img" "$WORK/data" 2>"$WORK/mount.err" ||
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
