#include "test.h"

#include "host/ssh_config.h"

#include <stdlib.h>

static char *make(void (*append)(struct buffer *out, const struct ssh_config *config),
                  const char *folder)
{
    struct ssh_config config = {
        .ssh_folder = folder,
        .runtime = "/run/rootcell/1",
        .instance_name = "work",
        .firewall_alias = "rootcell-firewall-work",
        .agent_alias = "rootcell-agent-work",
        .port = 40022,
        .agent_ip = 0xc0a86403,
    };
    struct buffer out;
    buffer_init(&out, 64 * 1024);
    append(&out, &config);
    char *text = bytes_copy_text(buffer_bytes(&out));
    buffer_done(&out);
    return text;
}

static void assert_has(const char *text, const char *line)
{
    if (strstr(text, line) == NULL)
        fail_msg("missing: %s", line);
}

/* Each host block of a file is closed by itself. */
static void is_closed_against_a_hostile_guest(void **state)
{
    static const char *const lines[] = {
        "    ForwardAgent no\n",
        "    ForwardX11 no\n",
        "    IdentitiesOnly yes\n",
        "    IdentityAgent none\n",
        "    StrictHostKeyChecking yes\n",
        "    GlobalKnownHostsFile /dev/null\n",
        "    UpdateHostKeys no\n",
        "    PermitLocalCommand no\n",
        "    Tunnel no\n",
        "    PasswordAuthentication no\n",
    };
    char *file = make(ssh_config_append, "/home/u/ssh");
    char *entry = make(ssh_config_append_entry, "/home/u/ssh");
    const char *agent = strstr(file, "Host rootcell agent\n");
    assert_non_null(agent);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_has(file, lines[i]);
        assert_has(agent, lines[i]);
        assert_has(entry, lines[i]);
    }
    free(file);
    free(entry);
}

static void quotes_paths_that_ssh_would_expand(void **state)
{
    char *file = make(ssh_config_append, "/home/a b/100%/\"x");
    assert_has(file, "    IdentityFile \"/home/a b/100%%/\\\"x/control\"\n");
    free(file);
    char *entry = make(ssh_config_append_entry, "/home/u's/100% $x");
    assert_has(entry, "    ProxyCommand ssh -F '/home/u'\\''s/100%% $x/config' -W %h:%p "
                      "rootcell-firewall\n");
    free(entry);
}

static void names_both_machines_and_the_way(void **state)
{
    char *file = make(ssh_config_append, "/home/u/ssh");
    assert_has(file, "Host rootcell-firewall\n    HostName 127.0.0.1\n    Port 40022\n");
    assert_has(file, "    HostName 192.168.100.3\n");
    assert_has(file, "    ProxyCommand ssh -F '/home/u/ssh/config' -W %h:%p rootcell-firewall\n");
    assert_has(file, "    ControlPath \"/run/rootcell/1/ssh-agent\"\n");
    free(file);
    char *entry = make(ssh_config_append_entry, "/home/u/ssh");
    assert_has(entry, "Host rootcell-work\n");
    free(entry);
}

RUN_TESTS(cmocka_unit_test(is_closed_against_a_hostile_guest),
          cmocka_unit_test(quotes_paths_that_ssh_would_expand),
          cmocka_unit_test(names_both_machines_and_the_way))
