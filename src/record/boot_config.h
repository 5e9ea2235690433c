#ifndef RECORD_BOOT_CONFIG_H
#define RECORD_BOOT_CONFIG_H

#include "base/buffer.h"
#include "base/error.h"

/**
 * What a VM is told about itself: /rootcell/boot.json in the archive of the instance, written by
 * the host for each start and read by rootcell-init.
 *
 * Files beside it, all in /rootcell: the firewall VM has ca.pem, ca-key.pem, upstream-ca.pem,
 * host_key (OpenSSH's format, Ed25519), authorized_keys and policy/; the agent VM has ca.pem,
 * ssh_host_ed25519_key, ssh_host_ed25519_key.pub and authorized_keys.
 */

/** What rootcell-init prints on the console as its first line. */
#define BOOT_CONFIG_STARTED_LINE "rootcell-init: started"

enum boot_role { BOOT_ROLE_FIREWALL, BOOT_ROLE_AGENT };

enum {
    BOOT_CONFIG_NAME_SIZE = 64,      /* host and instance names, with the NUL */
    BOOT_CONFIG_MAC_SIZE = 18,       /* aa:bb:cc:dd:ee:ff */
    BOOT_CONFIG_LAYER_LIMIT = 16,    /* disks beside the root */
    BOOT_CONFIG_VARIABLE_LIMIT = 64, /* environment of the agent's sessions */
    BOOT_CONFIG_VALUE_SIZE = 1024,   /* of one variable, with the NUL */
    BOOT_CONFIG_BYTES_LIMIT = 128 * 1024,
};

/** One network card, found by its MAC address. */
struct boot_interface {
    char mac[BOOT_CONFIG_MAC_SIZE]; /* lower case, colons */
    uint32_t address;               /* own, host byte order */
    uint8_t prefix;                 /* bits, 8 to 30 */
    /* Control: the router. Link: the other VM, which is the agent's router. */
    uint32_t gateway;
};

struct boot_variable {
    char name[BOOT_CONFIG_NAME_SIZE];   /* [A-Za-z_][A-Za-z0-9_]* */
    char value[BOOT_CONFIG_VALUE_SIZE]; /* one line of printable text */
};

struct boot_config {
    enum boot_role role;
    char instance[BOOT_CONFIG_NAME_SIZE];
    char hostname[BOOT_CONFIG_NAME_SIZE]; /* [a-z0-9-] */
    uint64_t time_seconds;                /* the host's clock, since 1970; 0 leaves the guest's */
    struct boot_interface link;           /* between the two VMs */
    struct boot_interface control;        /* firewall only: user-mode network */
    uint32_t upstream_dns;                /* firewall only */
    uint16_t upstream_dns_port;           /* firewall only, not 0 */
    bool is_recording; /* firewall only: calls to models are captured without a viewer, too */
    /* Agent only. Layers are disks with this serial number (`virtio-blk-pci,serial=NAME`), mounted
     * read-only at /opt/NAME. The root disk has the serial number `root`. */
    char layers[BOOT_CONFIG_LAYER_LIMIT][BOOT_CONFIG_NAME_SIZE];
    size_t layer_count;
    struct boot_variable environment[BOOT_CONFIG_VARIABLE_LIMIT]; /* of every session */
    size_t variable_count;
};

/**
 * The JSON text of `config`, appended to `out`. False with the reason when a value is not one that
 * boot_config_parse takes.
 */
bool boot_config_encode(const struct boot_config *config, struct buffer *out, struct error *error);

/**
 * Read the JSON text. Strict: an unknown, missing or doubled key, a wrong type or a value out of
 * range is refused with its place in the text.
 */
bool boot_config_parse(struct bytes text, struct boot_config *config, struct error *error);

#endif
