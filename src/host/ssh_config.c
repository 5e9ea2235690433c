#include "host/ssh_config.h"

#include "base/check.h"
#include "base/number.h"
#include "host/instance_name.h"

#include <string.h>

/*
 * Every value that a "Host *" elsewhere could set to something that a hostile guest gains by. ssh
 * takes the first value that it finds.
 */
static const char *const closed_values[] = {
    "IdentitiesOnly yes",
    "IdentityAgent none",
    "CertificateFile none",
    "PKCS11Provider none",
    "AddKeysToAgent no",
    "ForwardAgent no",
    "ForwardX11 no",
    "ForwardX11Trusted no",
    "GatewayPorts no",
    "Tunnel no",
    "PermitLocalCommand no",
    "StrictHostKeyChecking yes",
    "GlobalKnownHostsFile /dev/null",
    "KnownHostsCommand none",
    "UpdateHostKeys no",
    "VerifyHostKeyDNS no",
    "CheckHostIP no",
    "CanonicalizeHostname no",
    "PreferredAuthentications publickey",
    "PubkeyAuthentication yes",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "HostbasedAuthentication no",
    "GSSAPIAuthentication no",
    "RemoteCommand none",
    "Compression no",
    "ConnectTimeout 15",
    "ServerAliveInterval 15",
    "ServerAliveCountMax 4",
    "LogLevel ERROR",
    "SendEnv AWS_REGION LANG LC_* COLORTERM",
};

static void add(struct buffer *out, const char *text)
{
    CHECK(buffer_append_text(out, text));
}

/* A path between quotes; ssh expands % in it. */
static void add_path(struct buffer *out, const char *keyword, const char *folder, const char *name)
{
    CHECK(buffer_append_format(out, "    %s \"", keyword));
    for (; *folder; folder++) {
        if (*folder == '%')
            add(out, "%");
        if (*folder == '"' || *folder == '\\')
            add(out, "\\");
        CHECK(buffer_append_byte(out, (uint8_t)*folder));
    }
    CHECK(buffer_append_format(out, "/%s\"\n", name));
}

static void add_common(struct buffer *out, const struct ssh_config *config, const char *alias)
{
    CHECK(buffer_append_format(out, "    HostKeyAlias %s\n", alias));
    add_path(out, "IdentityFile", config->ssh_folder, "control");
    add_path(out, "UserKnownHostsFile", config->ssh_folder, "known_hosts");
    for (size_t i = 0; i < sizeof(closed_values) / sizeof(closed_values[0]); i++)
        CHECK(buffer_append_format(out, "    %s\n", closed_values[i]));
}

static void add_kept_open(struct buffer *out, const struct ssh_config *config, const char *socket)
{
    add(out, "    ControlMaster auto\n    ControlPersist yes\n");
    add_path(out, "ControlPath", config->runtime, socket);
}

/*
 * The way through the firewall VM. Not by ProxyJump: ssh puts the path of its file into that
 * command without quotes, where a space or % in it breaks.
 */
static void add_way(struct buffer *out, const struct ssh_config *config)
{
    CHECK(buffer_append_format(out, "    ProxyCommand %s -F '",
                               config->ssh_program ? config->ssh_program : "ssh"));
    for (const char *text = config->ssh_folder; *text; text++) {
        if (*text == '\'')
            add(out, "'\\'"); /* and the quote itself opens the next part */
        if (*text == '%')
            add(out, "%");
        CHECK(buffer_append_byte(out, (uint8_t)*text));
    }
    add(out, "/config' -W %h:%p rootcell-firewall\n");
}

static void add_firewall(struct buffer *out, const struct ssh_config *config)
{
    add(out, "Host rootcell-firewall\n    HostName 127.0.0.1\n");
    CHECK(buffer_append_format(out, "    Port %u\n    User root\n", config->port));
    add(out, "    ProxyCommand none\n    ProxyJump none\n");
    add_common(out, config, config->firewall_alias);
    add_kept_open(out, config, "ssh-firewall");
}

static void add_agent(struct buffer *out, const struct ssh_config *config)
{
    char address[16];
    number_format_ipv4(config->agent_ip, address);
    CHECK(buffer_append_format(out, "    HostName %s\n    Port 22\n    User agent\n", address));
    add_common(out, config, config->agent_alias);
}

void ssh_config_append(struct buffer *out, const struct ssh_config *config)
{
    add(out, "# Made by rootcell for `ssh -F`; changes are overwritten.\n");
    add_firewall(out, config);
    add(out, "\nHost rootcell agent\n");
    add_agent(out, config);
    add_way(out, config);
    add_kept_open(out, config, "ssh-agent");
}

void ssh_config_append_entry(struct buffer *out, const struct ssh_config *config)
{
    bool is_default = strcmp(config->instance_name, INSTANCE_NAME_DEFAULT) == 0;
    add(out, "# rootcell: put this above any \"Host *\" block: the first value wins. ssh adds up\n"
             "# SendEnv, SetEnv and forwardings of all blocks: if a \"Host *\" of yours has any,\n"
             "# use `ssh -F FILE rootcell` with the file that ProxyCommand names below.\n");
    CHECK(buffer_append_format(out, "Host rootcell%s%s\n", is_default ? "" : "-",
                               is_default ? "" : config->instance_name));
    add_agent(out, config);
    /* The connection that is open anyway is shared; none is kept open by this. */
    add(out, "    ControlMaster no\n");
    add_path(out, "ControlPath", config->runtime, "ssh-agent");
    add_way(out, config);
}
