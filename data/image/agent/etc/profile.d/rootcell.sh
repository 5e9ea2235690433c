# A caller's locale that this system does not have would make every tool complain.
case "${LC_ALL:-${LANG:-}}" in
'' | C | POSIX | C.UTF-8 | C.utf8 | en_US.UTF-8 | en_US.utf8) ;;
*)
    unset LC_ALL LC_CTYPE LC_MESSAGES LC_NUMERIC LC_TIME LC_COLLATE LC_MONETARY LC_PAPER LC_NAME \
        LC_ADDRESS LC_TELEPHONE LC_MEASUREMENT LC_IDENTIFICATION
    export LANG=C.UTF-8
    ;;
esac

# /etc/profile takes the folders of system programs away from ordinary users; here they are root.
export PATH="$HOME/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
