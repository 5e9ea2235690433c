#include "test.h"

#include "host/qemu_arguments.h"

#include <stdio.h>
#include <stdlib.h>

static const char firewall_golden[] =
    "qemu-system-x86_64 -name rootcell-firewall -M q35,usb=off,vmport=off -bios qboot.rom "
    "-accel kvm -cpu host -smp 1 -m 96M -nodefaults -no-user-config -display none -no-reboot "
    "-rtc base=utc,clock=host "
    "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny "
    "-kernel /i/vmlinuz -initrd /r/firewall.initramfs -append console=ttyS0 "
    "-device virtio-rng-pci "
    "-netdev user,id=control,ipv6=off,hostfwd=tcp:127.0.0.1:2222-10.0.2.15:22 "
    "-device virtio-net-pci,netdev=control,mac=02:00:00:00:00:01,romfile= "
    "-netdev dgram,id=link,local.type=unix,local.path=/r/a,,b,remote.type=unix,remote.path=/r/c "
    "-device virtio-net-pci,netdev=link,mac=02:00:00:00:00:02,romfile= "
    "-chardev ringbuf,id=console,size=65536 -serial chardev:console "
    "-chardev socket,id=monitor,path=/r/m,server=on,wait=off -mon chardev=monitor,mode=control "
    "-device virtio-serial-pci -chardev file,id=audit,path=/log/audit.jsonl,append=on "
    "-device virtserialport,chardev=audit,name=org.rootcell.audit";

static const char agent_golden[] =
    "qemu-system-x86_64 -name rootcell-agent-work -M q35,usb=off,vmport=off -bios qboot.rom "
    "-accel tcg,thread=multi,tb-size=512 -cpu max -smp 2 -m 2048M -nodefaults -no-user-config "
    "-display none -no-reboot -rtc base=utc,clock=host "
    "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny "
    "-kernel /i/vmlinuz -initrd /r/agent.initramfs -append console=ttyS0 "
    "-device virtio-rng-pci "
    "-drive if=none,id=disk0,file=/d/disk.qcow2,format=qcow2,discard=unmap "
    "-device virtio-blk-pci,drive=disk0,serial=root "
    "-drive if=none,id=disk1,file=/i/layers/pi.img,format=raw,readonly=on "
    "-device virtio-blk-pci,drive=disk1,serial=pi "
    "-netdev dgram,id=link,local.type=unix,local.path=/r/c,remote.type=unix,remote.path=/r/a "
    "-device virtio-net-pci,netdev=link,mac=02:00:00:00:00:03,romfile= "
    "-chardev ringbuf,id=console,size=65536 -serial chardev:console "
    "-chardev socket,id=monitor,path=/r/m2,server=on,wait=off -mon chardev=monitor,mode=control";

static void assert_arguments(const struct vm_plan *plan, const char *golden)
{
    CLEANUP_ARGUMENTS struct argument_list list = {0};
    qemu_arguments_append(&list, plan);
    char joined[8192];
    size_t length = 0;
    for (size_t i = 0; i < list.count; i++)
        length += (size_t)snprintf(joined + length, sizeof(joined) - length, "%s%s", i ? " " : "",
                                   list.texts[i]);
    assert_string_equal(joined, golden);
}

static void writes_the_firewall_with_its_two_cards_and_the_audit_port(void **state)
{
    struct vm_plan plan = {
        .role = VM_ROLE_FIREWALL,
        .name = "firewall",
        .accelerator = VM_ACCELERATOR_KVM,
        .cpus = 1,
        .memory_bytes = 96ULL << 20,
        .program = "qemu-system-x86_64",
        .kernel = "/i/vmlinuz",
        .initramfs = "/r/firewall.initramfs",
        .command_line = "console=ttyS0",
        .link_socket = "/r/a,b",
        .link_peer_socket = "/r/c",
        .link_mac = "02:00:00:00:00:02",
        .has_control = true,
        .control_mac = "02:00:00:00:00:01",
        .control_port = 2222,
        .audit_file = "/log/audit.jsonl",
        .monitor_socket = "/r/m",
    };
    assert_arguments(&plan, firewall_golden);
}

static void writes_the_agent_with_its_disks_and_one_card(void **state)
{
    struct vm_plan plan = {
        .role = VM_ROLE_AGENT,
        .name = "agent-work",
        .accelerator = VM_ACCELERATOR_TCG,
        .cpus = 2,
        .memory_bytes = 2ULL << 30,
        .program = "qemu-system-x86_64",
        .kernel = "/i/vmlinuz",
        .initramfs = "/r/agent.initramfs",
        .command_line = "console=ttyS0",
        .disks = {{"/d/disk.qcow2", "root", VM_DISK_QCOW2, false},
                  {"/i/layers/pi.img", "pi", VM_DISK_RAW, true}},
        .disk_count = 2,
        .link_socket = "/r/c",
        .link_peer_socket = "/r/a",
        .link_mac = "02:00:00:00:00:03",
        .monitor_socket = "/r/m2",
    };
    assert_arguments(&plan, agent_golden);
}

static void gives_each_card_and_instance_an_address_of_its_own(void **state)
{
    char control[VM_MAC_SIZE], link[VM_MAC_SIZE], agent[VM_MAC_SIZE], other[VM_MAC_SIZE];
    vm_plan_mac("/home/u/.rootcell/instances/default", VM_CARD_FIREWALL_CONTROL, control);
    vm_plan_mac("/home/u/.rootcell/instances/default", VM_CARD_FIREWALL_LINK, link);
    vm_plan_mac("/home/u/.rootcell/instances/default", VM_CARD_AGENT_LINK, agent);
    vm_plan_mac("/home/u/.rootcell/instances/work", VM_CARD_AGENT_LINK, other);
    assert_string_not_equal(control, link);
    assert_string_not_equal(link, agent);
    assert_string_not_equal(agent, other);
    assert_memory_equal(agent, "02:", 3);
}

RUN_TESTS(cmocka_unit_test(writes_the_firewall_with_its_two_cards_and_the_audit_port),
          cmocka_unit_test(writes_the_agent_with_its_disks_and_one_card),
          cmocka_unit_test(gives_each_card_and_instance_an_address_of_its_own))
