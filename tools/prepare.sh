# Sourced by ./rootcell and ./test: install missing Debian packages, build. POSIX sh.
# Everything it says goes to standard error.

say() {
    printf 'rootcell: %s\n' "$*" >&2
}

# missing_packages LIST...: names in data/packages/LIST.txt that dpkg does not know as installed
missing_packages() {
    for list in "$@"; do cat "$top/data/packages/$list.txt"; done | sed 's/#.*//' | tr -s ' \t' '\n' |
        sort -u | while read -r package; do
        [ -n "$package" ] || continue
        case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
        *' installed') ;;
        *) printf '%s ' "$package" ;;
        esac
    done
}

# install_packages LIST...: ask once when a person is there; apt's own percentage as one line
install_packages() {
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || {
        say "these packages are needed, and this system has no apt-get: $missing"
        exit 69
    }
    root=
    [ "$(id -u)" = 0 ] || root=sudo
    if [ -t 0 ] && [ -t 2 ]; then
        printf 'rootcell: needs these Debian packages:\n  %s\nInstall them%s? [Y/n] ' \
            "$(echo "$missing" | fold -s -w 90 | sed '2,$s/^/  /')" "${root:+ with sudo}" >&2
        read -r answer
        case $answer in '' | [Yy]*) ;; *) say 'nothing was installed'; exit 69 ;; esac
    fi
    started=$(date +%s)
    log=$(mktemp)
    # shellcheck disable=SC2086  # word splitting is meant: one package a word
    {
        say "installing $(echo $missing | wc -w) packages"
        $root apt-get update -qq >"$log" 2>&1 &&
            $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
                -o APT::Status-Fd=3 $missing 3>&1 >>"$log" 2>&1 </dev/null |
            awk -F: -v tty="$([ -t 2 ] && echo 1)" '
                tty && /^(dl|pm)status:/ {
                    n = int($3 / 4); bar = sprintf("%" n "s", ""); gsub(/ /, "#", bar)
                    printf "\r  %-9s [%-25s] %3d %%", $1 == "dlstatus" ? "fetching" : "unpacking",
                        bar, $3 > "/dev/stderr"
                }
                END { if (tty) printf "\r%60s\r", "" > "/dev/stderr" }'
    }
    missing=$(missing_packages "$@")
    if [ -n "$missing" ]; then
        tail -n 5 "$log" >&2
        say "could not install: $missing(see above; then run the same command again)"
        rm -f "$log"
        exit 69
    fi
    rm -f "$log"
    say "packages installed ($(($(date +%s) - started)) s)"
}

# build_release: build/ of the checkout, only when a source is newer than the last build
build_release() {
    stamp=$top/build/.built
    if [ -e "$stamp" ] && [ -z "$(find "$top/src" "$top/meson.build" "$top/meson_options.txt" \
        -newer "$stamp" -print -quit)" ]; then
        return 0
    fi
    install_packages build run
    started=$(date +%s)
    log=$(mktemp)
    say 'building'
    if { [ -e "$top/build/build.ninja" ] || meson setup "$top/build" "$top"; } >"$log" 2>&1 &&
        ninja -C "$top/build" >>"$log" 2>&1; then
        touch "$stamp"
        say "built ($(($(date +%s) - started)) s)"
    else
        tail -n 30 "$log" >&2
        say "the build failed (see above)"
        rm -f "$log"
        exit 70
    fi
    rm -f "$log"
}
