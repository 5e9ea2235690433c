# Run by mmdebstrap with the agent's system in $1, once its packages are set up.
set -eu
root=$1
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"

# The kernel: only its files. Its package would want an initramfs and a boot loader.
kernel=$(apt-cache depends --no-recommends --no-suggests "linux-image-cloud-$ROOTCELL_ARCHITECTURE" |
    sed -n 's/.*Depends: \(linux-image-\)/\1/p' | head -n 1)
mkdir "$root/tmp/kernel"
(cd "$root/tmp/kernel" && apt-get -o APT::Sandbox::User=root download "$kernel" && dpkg-deb -x ./*.deb .)
cp -a "$root/tmp/kernel/boot/." "$root/boot/"
cp -a "$root/tmp/kernel/lib/modules" "$root/usr/lib/"
rm -r "$root/tmp/kernel"
chroot "$root" depmod "${kernel#linux-image-}"

chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash --groups sudo agent
chroot "$root" localedef -i en_US -f UTF-8 en_US.UTF-8
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/resolv.conf" "$root/etc/hostname"
