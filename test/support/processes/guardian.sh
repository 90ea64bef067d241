#!/bin/sh
# Outlives the process that started it by a moment: when that one is gone, however it went (SIGKILL
# too), its end of our standard input closes, and what it had started is ended.
# Lines: "watch PID" and "forget PID", where PID leads a process group of its own; "remove DIR" and
# "keep DIR" for directories that only those processes used.
groups=" "
directories=""
while read -r verb value; do
  case "$verb" in
    watch) groups="$groups$value " ;;
    forget) groups=$(printf '%s.' "$groups" | sed "s/ $value / /") && groups=${groups%.} ;;
    remove) directories="$directories$value
" ;;
    keep) directories=$(printf '%s' "$directories" | grep -vxF "$value")"
" ;;
  esac
done

send() {
  for group in $groups; do kill "-$1" "-$group" 2>/dev/null; done
}

send TERM
# Two seconds: the operator's own way out may need some of them, the rest is gone at once.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  alive=""
  for group in $groups; do kill -0 "-$group" 2>/dev/null && alive=yes; done
  [ -z "$alive" ] && break
  sleep 0.2
done
send KILL

printf '%s' "$directories" | while read -r directory; do
  case "$directory" in
    */kuik-*) rm -rf -- "$directory" ;;
  esac
done
