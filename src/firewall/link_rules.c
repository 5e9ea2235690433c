#include "firewall/link_rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"
#include "system/child.h"
#include "system/file.h"
#include "system/linux_netlink.h"
#include "system/linux_socket.h"

#define TABLE "rootcell"

enum {
    ROUTE_TABLE = 100,
    RULE_PREFERENCE = 100,
    TABLE_LOCAL = 255,
};

/* Addresses that the proxy never dials, whatever the policy says (wall: the address floor). */
static const char floor_ipv4[] =
    "0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 192.0.0.0/24, 198.18.0.0/15, 224.0.0.0/3";
/* The same in IPv4-mapped, NAT64 (RFC 6052), 6to4 and Teredo form, and IPv6's own. */
static const char floor_ipv6[] =
    "::/96, ::ffff:0:0/96, ::ffff:0:0:0/96, fe80::/10, fec0::/10, ff00::/8, 2001::/32, "
    "64:ff9b::/104, 64:ff9b::7f00:0/104, 64:ff9b::a9fe:0/112, 64:ff9b::c000:0/120, "
    "64:ff9b::c612:0/111, 64:ff9b::e000:0/99, 64:ff9b:1::/48, "
    "2002::/24, 2002:7f00::/24, 2002:a9fe::/32, 2002:c000::/40, 2002:c612::/31, 2002:e000::/19";

struct dotted {
    char text[16];
};

static struct dotted dotted(uint32_t address)
{
    struct dotted result;
    number_format_ipv4(address, result.text);
    return result;
}

static unsigned prefix_of(uint32_t netmask)
{
    return (unsigned)__builtin_popcount(netmask);
}

static uint32_t netmask_of(unsigned bits)
{
    return bits ? UINT32_MAX << (32 - bits) : 0;
}

static uint32_t pool_netmask(const struct options *options)
{
    return netmask_of(options->pool_prefix);
}

/* What a network that is not ours must look like: everything else is spoofed or malformed. */
static bool write_prerouting(const struct link_rules *rules, struct buffer *out)
{
    uint32_t network = rules->address & rules->netmask;
    bool is_good = buffer_append_format(
        out,
        "chain prerouting {\n type filter hook prerouting priority -450; policy accept;\n"
        " iifname != \"%s\" accept\n"
        " meta nfproto ipv6 drop\n"
        /* Fragments: before anything could put them together. */
        " ip frag-off & 0x3fff != 0 drop\n"
        " ip hdrlength != 5 drop\n"
        " ip saddr != %s/%u drop\n"
        " ip saddr %s drop\n"
        " ip daddr { 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/3 } drop\n",
        rules->options->agent_interface, dotted(network).text, prefix_of(rules->netmask),
        dotted(rules->address).text);
    /* A network of 31 or 32 bits has no broadcast address (RFC 3021). */
    if (prefix_of(rules->netmask) < 31)
        is_good = is_good && buffer_append_format(
                                 out, " ip saddr { %s, %s } drop\n ip daddr { %s, %s } drop\n",
                                 dotted(network).text, dotted(network | ~rules->netmask).text,
                                 dotted(network).text, dotted(network | ~rules->netmask).text);
    for (size_t i = 0; i < rules->own->count; i++) {
        const struct own_address *own = &rules->own->list[i];
        if (own->is_ipv4 && !own->is_link)
            is_good = is_good && buffer_append_format(out, " ip daddr %s drop\n",
                                                      dotted(own_address_ipv4(own)).text);
    }
    return is_good && buffer_append_text(out, "}\n");
}

static bool write_input(const struct link_rules *rules, struct buffer *out)
{
    bool is_good =
        buffer_append_format(out,
                             "chain input {\n type filter hook input priority 0; policy accept;\n"
                             " iifname != \"%s\" accept\n tcp dport { ",
                             rules->options->agent_interface);
    for (size_t i = 0; i < rules->port_count; i++)
        is_good = is_good && buffer_append_format(out, "%s%u", i ? ", " : "", rules->ports[i]);
    struct dotted address = dotted(rules->address);
    return is_good &&
           buffer_append_format(
               out,
               " } accept\n"
               " udp dport 53 accept\n"
               " ip daddr %s icmp type echo-request accept\n"
               /* Answers of the agent's sshd to the owner's session, which we dial. */
               " ip daddr %s tcp sport 22 tcp flags & (syn | ack) != syn accept\n"
               " ip protocol tcp reject with tcp reset\n"
               " ip protocol udp ip daddr { %s, %s/%u } reject with icmp type port-unreachable\n"
               " drop\n}\n",
               address.text, address.text, address.text, dotted(rules->options->pool_address).text,
               rules->options->pool_prefix);
}

/* The proxy reaches no address of ours, and nothing in the networks that are closed. */
static bool write_own(const struct own_address *own, struct buffer *out)
{
    if (own->is_ipv4) {
        uint32_t address = own_address_ipv4(own);
        uint32_t mask = netmask_of(own->bits);
        return own->is_network_closed
                   ? buffer_append_format(out, " ip daddr %s/%u drop\n",
                                          dotted(address & mask).text, own->bits)
                   : buffer_append_format(out, " ip daddr %s drop\n", dotted(address).text);
    }
    char text[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, &own->address, text, sizeof(text));
    return buffer_append_format(out, " ip6 daddr %s/%u drop\n", text,
                                own->is_network_closed ? own->bits : 128);
}

static bool write_output(const struct link_rules *rules, struct buffer *out)
{
    const struct sockaddr_in *dns = (const struct sockaddr_in *)&rules->options->upstream_dns;
    struct dotted resolver = dotted(ntohl(dns->sin_addr.s_addr));
    unsigned port = ntohs(dns->sin_port);
    const char *interface = rules->options->agent_interface;
    bool is_good = buffer_append_format(
        out,
        "chain proxy {\n"
        " oifname \"%s\" tcp flags & (syn | ack) == syn drop\n"
        " oifname \"%s\" ip protocol tcp accept\n"
        " ip daddr %s udp dport %u accept\n ip daddr %s tcp dport %u accept\n"
        " meta l4proto != tcp drop\n"
        " ip6 daddr { %s } drop\n"
        /* ISATAP (RFC 5214): any prefix, an IPv4 address behind 0:5efe or 200:5efe. */
        " ip6 daddr & ::fdff:ffff:0:0 == ::5efe:0:0 drop\n"
        " ip daddr { %s } drop\n ip daddr { %s/%u, %s/%u } drop\n",
        interface, interface, resolver.text, port, resolver.text, port, floor_ipv6, floor_ipv4,
        dotted(rules->options->pool_address).text, rules->options->pool_prefix,
        dotted(rules->address & rules->netmask).text, prefix_of(rules->netmask));
    for (size_t i = 0; i < rules->own->count; i++)
        is_good = is_good && write_own(&rules->own->list[i], out);
    /* Not the reverse, "other users accept": packets without a socket have no user at all. */
    return is_good && buffer_append_format(out,
                                           "}\nchain output {\n"
                                           " type filter hook output priority 0; policy accept;\n"
                                           " oifname \"%s\" meta nfproto ipv6 drop\n"
                                           " meta skuid %u jump proxy\n}\n",
                                           interface, rules->proxy_user);
}

bool link_rules_write_filter(const struct link_rules *rules, enum link_rules_state state,
                             struct buffer *out)
{
    const char *interface = rules->options->agent_interface;
    /* A table that is not there is not deleted: that alone takes the kernel some milliseconds. */
    const char *start = state == LINK_RULES_REPLACED ? "table inet " TABLE
                                                       " {}\ndelete table inet " TABLE "\n"
                                                     : "create table inet " TABLE "\n";
    return buffer_append_text(out, start) && buffer_append_text(out, "table inet " TABLE " {\n") &&
           write_prerouting(rules, out) && write_input(rules, out) && write_output(rules, out) &&
           buffer_append_format(out,
                                "chain forward {\n"
                                " type filter hook forward priority 0; policy accept;\n"
                                " iifname \"%s\" drop\n oifname \"%s\" drop\n}\n}\n",
                                interface, interface);
}

bool link_rules_check_pool(const struct link_rules *rules, struct error *error)
{
    const struct options *options = rules->options;
    for (size_t i = 0; i < rules->own->count; i++) {
        const struct own_address *own = &rules->own->list[i];
        if (!own->is_ipv4)
            continue;
        uint32_t address = own_address_ipv4(own), netmask = netmask_of(own->bits);
        uint32_t wider = netmask & pool_netmask(options);
        if ((address & wider) == (options->pool_address & wider))
            return error_set(error, "--pool: %s/%u overlaps the network %s/%u",
                             dotted(options->pool_address).text, options->pool_prefix,
                             dotted(address & netmask).text, own->bits);
    }
    return true;
}

/* Run a program to its end; what it complains about becomes the error. */
static bool run(const struct argument_list *arguments, struct bytes input, struct error *error)
{
    struct buffer complaints;
    buffer_init(&complaints, 4096);
    struct child_request request = {
        .arguments = arguments,
        .input_stream = input.length ? CHILD_STREAM_CAPTURE : CHILD_STREAM_NULL,
        .input = input,
        .error_stream = CHILD_STREAM_CAPTURE,
        .errors = &complaints,
    };
    int status = 0;
    bool is_good = child_run(&request, &status, error);
    if (is_good && status != 0) {
        char shown[400];
        struct bytes all = bytes_trim(buffer_bytes(&complaints));
        printable_text(bytes_first(all, bytes_index_of(all, '\n')), shown, sizeof(shown));
        is_good = error_set(error, "%s: status %d: %s", arguments->texts[0], status, shown);
    }
    buffer_done(&complaints);
    return is_good;
}

bool link_rules_load_filter(const struct link_rules *rules, struct error *error)
{
    struct buffer script;
    buffer_init(&script, LINK_RULES_FILTER_BYTES_MAX);
    CLEANUP_ARGUMENTS struct argument_list arguments;
    argument_list_init(&arguments);
    argument_list_add_all(&arguments, "nft", "-f", "-", NULL);
    enum link_rules_state state =
        linux_netlink_has_filter_table(TABLE) ? LINK_RULES_REPLACED : LINK_RULES_FIRST;
    bool is_good = link_rules_write_filter(rules, state, &script) ||
                   error_set(error, "packet rules: too many addresses");
    is_good = is_good && run(&arguments, buffer_bytes(&script), error);
    buffer_done(&script);
    return is_good || error_add_context(error, "load packet rules");
}

/* Write a kernel setting that must hold; one that this kernel does not have holds by itself. */
static bool set_kernel(const char *path, const char *value, struct error *error)
{
    CLEANUP_FD int descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0 && errno == ENOENT)
        return true;
    char now = '\0';
    if (descriptor >= 0 && pread(descriptor, &now, 1, 0) == 1 && now == value[0])
        return true;
    if (descriptor < 0 || pwrite(descriptor, value, strlen(value), 0) != (ssize_t)strlen(value)) {
        int number = errno;
        /* A read-only /proc is fine where the value is right already. */
        CLEANUP_FD int reading = open(path, O_RDONLY | O_CLOEXEC);
        if (reading >= 0 && read(reading, &now, 1) == 1 && now == value[0])
            return true;
        return error_set_errno(error, number, "%s", path);
    }
    return true;
}

static bool set_kernel_of_link(const char *interface, struct error *error)
{
    static const struct {
        const char *path; /* with the interface's name for %s */
        const char *value;
    } settings[] = {
        {"/proc/sys/net/ipv6/conf/%s/disable_ipv6", "1"},
        /* Answer ARP for the link's own address only, not for every local one. */
        {"/proc/sys/net/ipv4/conf/%s/arp_ignore", "1"},
        {"/proc/sys/net/ipv4/conf/%s/accept_redirects", "0"},
        {"/proc/sys/net/ipv4/conf/%s/send_redirects", "0"},
        {"/proc/sys/net/ipv4/conf/%s/accept_source_route", "0"},
        {"/proc/sys/net/ipv4/conf/%s/route_localnet", "0"},
    };
    if (!set_kernel("/proc/sys/net/ipv4/ip_forward", "0", error))
        return false;
    for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
        char path[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        int length = snprintf(path, sizeof(path), settings[i].path, interface);
#pragma GCC diagnostic pop
        if (length < 0 || length >= (int)sizeof(path) ||
            !set_kernel(path, settings[i].value, error))
            return false;
    }
    return true;
}

bool link_rules_set_routes(const struct link_rules *rules, struct error *error)
{
    const struct options *options = rules->options;
    const char *interface = options->agent_interface;
    return (set_kernel_of_link(interface, error) && linux_interface_bring_up("lo", error) &&
            linux_netlink_replace_local_route(options->pool_address, options->pool_prefix,
                                              TABLE_LOCAL, error) &&
            linux_netlink_replace_local_route(0, 0, ROUTE_TABLE, error) &&
            linux_netlink_add_rule(interface, ROUTE_TABLE, RULE_PREFERENCE, error)) ||
           error_add_context(error, "set routes");
}

/* --- the filter in a process of its own ----------------------------------------------------- */

/* Its complaint goes into the pipe. */
_Noreturn static void load_and_exit(const struct link_rules *rules, int complaints, pid_t parent)
{
    struct error error, ignored;
    /* It has the supervisor's sockets, and must not hold them when that is killed. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() == parent && link_rules_load_filter(rules, &error))
        _exit(0);
    file_write_all(complaints, bytes_from_text(error.text), &ignored);
    _exit(1);
}

bool link_rules_begin(const struct link_rules *rules, struct link_rules_loading *loading,
                      struct error *error)
{
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC) != 0)
        return error_set_errno(error, errno, "pipe");
    pid_t parent = getpid();
    pid_t process = fork();
    int number = errno;
    if (process == 0)
        load_and_exit(rules, pipe_ends[1], parent);
    close(pipe_ends[1]);
    if (process < 0) {
        close(pipe_ends[0]);
        return error_set_errno(error, number, "fork");
    }
    *loading = (struct link_rules_loading){process, pipe_ends[0]};
    return true;
}

bool link_rules_end(struct link_rules_loading *loading, struct error *error)
{
    char text[ERROR_TEXT_SIZE] = "";
    ssize_t got = read(loading->complaints, text, sizeof(text) - 1);
    int status = 0;
    while (waitpid(loading->process, &status, 0) < 0 && errno == EINTR)
        continue;
    close(loading->complaints);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    return error_set(error, "%s", got > 0 ? text : "load packet rules: the process ended");
}
