#include "init/firewall_machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/number.h"
#include "init/control_listener.h"
#include "init/guest_file.h"
#include "init/network.h"
#include "init/power_button.h"
#include "init/serial_port.h"
#include "init/service.h"
#include "system/file.h"

enum { STOP_TIMEOUT_MS = 2000, RUNNING = -2 };

struct firewall_machine {
    struct control_listener listener;
    struct service service;
    struct argument_list arguments;
    int signals; /* signalfd, owned */
    int button;  /* netlink socket, owned; -1 without ACPI */
    int ca_key;  /* sealed memory, owned */
};

/* The link's own rules are rootcell-firewall's; these hold for the machine as a whole. */
static const char *const parameters[][2] = {
    {"/proc/sys/net/ipv4/ip_forward", "0"},
    {"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"},
    {"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"},
    {"/proc/sys/net/ipv4/conf/all/accept_redirects", "0"},
    {"/proc/sys/net/ipv4/conf/all/send_redirects", "0"},
    {"/proc/sys/net/ipv4/conf/all/accept_source_route", "0"},
    {"/proc/sys/kernel/sysrq", "0"},
    {"/proc/sys/kernel/core_pattern", "|/bin/false"},
    {"/proc/sys/kernel/dmesg_restrict", "1"},
    {"/proc/sys/kernel/kptr_restrict", "2"},
};

static bool start_network(const struct boot_config *config, struct error *error)
{
    for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
        if (!network_set_parameter(parameters[i][0], parameters[i][1], error))
            return false;
    }
    return network_start_loopback(error) &&
           network_start_interface(&config->control, "control", true, error) &&
           network_start_interface(&config->link, "link", false, error);
}

static bool plan_service(struct firewall_machine *machine, const struct boot_config *config,
                         struct error *error)
{
    machine->ca_key = guest_file_take_secret("/rootcell/ca-key.pem", error);
    if (machine->ca_key < 0 || !serial_port_link("org.rootcell.audit", error))
        return false;
    char upstream_dns[16];
    number_format_ipv4(config->upstream_dns, upstream_dns);
    struct argument_list *arguments = &machine->arguments;
    argument_list_add_all(arguments, "/usr/sbin/rootcell-firewall", "--agent-interface", "link",
                          "--policy", "/rootcell/policy", "--ca-cert", "/rootcell/ca.pem",
                          "--upstream-ca", "/rootcell/upstream-ca.pem", "--control",
                          "/run/firewall.sock", "--records", "/dev/virtio-ports/org.rootcell.audit",
                          "--ca-key", NULL);
    argument_list_add_format(arguments, "/proc/self/fd/%d", machine->ca_key);
    argument_list_add(arguments, "--upstream-dns");
    argument_list_add_format(arguments, "%s:%u", upstream_dns, config->upstream_dns_port);
    argument_list_add_all(arguments, "--providers", "/etc/rootcell/providers", NULL);
    if (config->is_recording)
        argument_list_add(arguments, "--recording");
    service_init(&machine->service, "rootcell-firewall", arguments, machine->ca_key);
    return true;
}

static bool watch_signals(struct firewall_machine *machine, struct error *error)
{
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    /* What busybox's halt, poweroff and reboot send to process 1. */
    sigaddset(&watched, SIGUSR1);
    sigaddset(&watched, SIGUSR2);
    sigaddset(&watched, SIGTERM);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    machine->signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    return machine->signals >= 0 || error_set_errno(error, errno, "signalfd");
}

static void reap_children(struct firewall_machine *machine)
{
    int status;
    pid_t child;
    while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
        service_forget(&machine->service, child, status);
        control_listener_forget(&machine->listener, child);
    }
}

/* The command for reboot(2) when a signal asks for it, else RUNNING. */
static int handle_signals(struct firewall_machine *machine)
{
    struct signalfd_siginfo signal;
    int command = RUNNING;
    while (read(machine->signals, &signal, sizeof(signal)) == sizeof(signal)) {
        if (signal.ssi_signo == SIGCHLD)
            reap_children(machine);
        else
            command = signal.ssi_signo == SIGTERM ? RB_AUTOBOOT : RB_POWER_OFF;
    }
    return command;
}

static int serve(struct firewall_machine *machine)
{
    int command = RUNNING;
    while (command == RUNNING) {
        service_start(&machine->service);
        struct pollfd watched[] = {
            {.fd = machine->signals, .events = POLLIN},
            {.fd = machine->listener.fd, .events = POLLIN},
            {.fd = machine->button, .events = POLLIN},
        };
        if (poll(watched, sizeof(watched) / sizeof(watched[0]),
                 service_wait_ms(&machine->service)) <= 0)
            continue;
        if (watched[0].revents != 0)
            command = handle_signals(machine);
        if (watched[1].revents != 0)
            control_listener_accept(&machine->listener);
        if (watched[2].revents != 0 && power_button_is_pressed(machine->button))
            command = RB_POWER_OFF;
    }
    service_stop(&machine->service, STOP_TIMEOUT_MS);
    return command;
}

int firewall_machine_run(const struct boot_config *config, struct error *error)
{
    struct firewall_machine machine = {.signals = -1, .button = -1, .ca_key = -1};
    argument_list_init(&machine.arguments);
    if (!start_network(config, error) ||
        !control_listener_open(&machine.listener, &config->control, "control", error) ||
        !watch_signals(&machine, error) || !plan_service(&machine, config, error))
        return -1;
    service_start(&machine.service);
    if (!control_listener_install_keys("/rootcell/host_key", "/rootcell/authorized_keys",
                                       config->link.gateway, error)) {
        service_stop(&machine.service, STOP_TIMEOUT_MS);
        return -1;
    }
    struct error no_button;
    machine.button = power_button_open(&no_button);
    if (machine.button < 0)
        fprintf(stderr, "rootcell-init: %s\n", no_button.text);
    return serve(&machine);
}
