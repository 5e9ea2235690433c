#ifndef FIREWALL_OPTIONS_H
#define FIREWALL_OPTIONS_H

#include <netinet/in.h>

#include "base/error.h"
#include "base/bytes.h"

/** The command line of `rootcell-firewall`, checked. All texts are borrowed from argv. */
struct options {
    const char *agent_interface;          /* --agent-interface: name of the link to the agent */
    const char *policy_folder;            /* --policy */
    const char *ca_certificate;           /* --ca-cert: PEM file */
    const char *ca_key;                   /* --ca-key: PEM file */
    const char *upstream_ca;              /* --upstream-ca: PEM bundle */
    const char *records;                  /* --records: file or character device */
    const char *control;                  /* --control: Unix socket, or NULL */
    const char *providers;                /* --providers: folder of *.provider, or NULL */
    const char *capture;                  /* --capture: file for captured calls, or NULL */
    bool is_recording;                    /* --recording: capture without a viewer, too */
    struct sockaddr_storage upstream_dns; /* --upstream-dns ADDR[:PORT], port 53 unless given */
    uint32_t pool_address;                /* --pool, first address, host byte order */
    unsigned pool_prefix;                 /* bits */
};

/**
 * Parse the arguments after the program's name. False with one line of reason for an unknown or
 * repeated option, a missing value, a missing required option, or a value that cannot be read.
 * Touches no file: what the values name is checked by those who open it.
 */
bool options_parse(int count, char *const *arguments, struct options *options, struct error *error);

/** The usage text, several lines, for `--help`. */
const char *options_usage(void);

#endif
