#include "host/selftest.h"

#include "base/check.h"
#include "base/printable.h"

#include <stdint.h>

static const uint8_t script[] = {
/* data/selftest/selftest.py, by tools/embed.sh */
#include <selftest_script.inc>
};

const struct selftest_attack selftest_attacks[] = {
    {"control", "an allowed name", "let through"},
    {"link-raw-443", "raw bytes on port 443", "closed without an answer"},
    {"link-tcp-ports", "other TCP ports", "refused"},
    {"link-udp", "QUIC, NTP, IPsec, WireGuard", "no answer"},
    {"link-icmp", "echo requests", "no answer"},
    {"link-ipv6", "IPv6", "no way"},
    {"dns-tunnel", "data in names", "NXDOMAIN"},
    {"dns-servers", "a name server of one's choice", "NXDOMAIN from the firewall"},
    {"dns-tcp", "the same over TCP", "NXDOMAIN from the firewall"},
    {"dns-other-doors", "DNS over TLS", "refused"},
    {"dns-hints", "records that lead to HTTP/3 and ECH", "no such record"},
    {"tls-no-name", "TLS without a name", "no certificate"},
    {"tls-denied-names", "TLS with a denied name", "no certificate"},
    {"tls-foreign-address", "an allowed name at a foreign address", "not dialled"},
    {"http1-leading", "an empty line before the request", "400"},
    {"http1-host", "a Host that is not the TLS name", "400"},
    {"http1-framing", "two framings of one body", "400"},
    {"http1-connect", "CONNECT inside TLS", "405"},
    {"http2-authority", "another authority over HTTP/2", "refused"},
    {"ssh-addresses", "port 22 of a foreign address", "refused"},
    {"ssh-connect", "CONNECT to a denied name", "refused"},
    {NULL, NULL, NULL},
};
_Static_assert(sizeof(selftest_attacks) / sizeof(selftest_attacks[0]) <= SELFTEST_ATTACK_LIMIT,
               "a report has room for every attack");

struct verdict_row {
    const char *name; /* for people */
    const char *word; /* in the VM's lines; NULL: never said there */
};

static const struct verdict_row verdict_rows[] = {
    [SELFTEST_MISSING] = {"MISSING", NULL},
    [SELFTEST_HELD] = {"held", "held"},
    [SELFTEST_FAILED] = {"FAILED", "failed"},
    [SELFTEST_UNTRIED] = {"untried", "untried"},
};
_Static_assert(sizeof(verdict_rows) / sizeof(verdict_rows[0]) == SELFTEST_VERDICT_COUNT,
               "every verdict has its words");

const char *selftest_verdict_name(enum selftest_verdict verdict)
{
    CHECK(verdict < SELFTEST_VERDICT_COUNT);
    return verdict_rows[verdict].name;
}

struct bytes selftest_script(void)
{
    return (struct bytes){script, sizeof(script)};
}

/* False when it is none of ours. */
static bool find_attack(struct bytes row, size_t *index)
{
    for (size_t i = 0; selftest_attacks[i].row; i++) {
        if (bytes_equal_text(row, selftest_attacks[i].row)) {
            *index = i;
            return true;
        }
    }
    return false;
}

static enum selftest_verdict find_verdict(struct bytes word)
{
    for (size_t i = 0; i < SELFTEST_VERDICT_COUNT; i++)
        if (verdict_rows[i].word && bytes_equal_text(word, verdict_rows[i].word))
            return (enum selftest_verdict)i;
    return SELFTEST_MISSING;
}

static void read_line(struct bytes line, struct selftest_report *report)
{
    struct bytes row, verdict;
    size_t index;
    bytes_next_token(&line, '\t', &row);
    bytes_next_token(&line, '\t', &verdict);
    if (!find_attack(row, &index) || find_verdict(verdict) == SELFTEST_MISSING)
        return;
    bool is_repeated = report->verdicts[index] != SELFTEST_MISSING;
    report->verdicts[index] = is_repeated ? SELFTEST_FAILED : find_verdict(verdict);
    printable_text(is_repeated ? BYTES_LITERAL("told twice") : line, report->seen[index],
                   sizeof(report->seen[index]));
}

void selftest_read(struct bytes output, struct selftest_report *report)
{
    struct bytes line;
    *report = (struct selftest_report){0};
    while (bytes_next_token(&output, '\n', &line))
        read_line(line, report);
}

bool selftest_is_held(const struct selftest_report *report)
{
    for (size_t i = 0; selftest_attacks[i].row; i++)
        if (report->verdicts[i] != SELFTEST_HELD && report->verdicts[i] != SELFTEST_UNTRIED)
            return false;
    return true;
}
