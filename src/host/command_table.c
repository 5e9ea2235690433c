#include "host/command.h"

#include "base/check.h"
#include "host/message.h"

#include <string.h>

static const struct command_option allow_options[] = {
    {"ssh", 0, "the hosts are SSH hosts (allowed-ssh.txt)", NULL},
    {"dns", 0, "the names only resolve (allowed-dns.txt)", NULL},
    {"remove", 0, "take the rules of these hosts away", NULL},
    {0},
};

static const struct command_option json_option[] = {
    {"json", 0, "print JSON", NULL},
    {0},
};

static const struct command_option log_options[] = {
    {"follow", 'f', "go on printing what is added", NULL},
    {"denied", 0, "only what was refused", NULL},
    {"json", 0, "print the records as JSON lines", NULL},
    {0},
};

static const struct command_option remove_options[] = {
    {"yes", 'y', "do not ask", NULL},
    {0},
};

static const struct command_option image_options[] = {
    {"force", 0, "build: make them anew even from the same inputs", NULL},
    {0},
};

static const struct command_option help_options[] = {
    {"manual", 0, "print the manual page rootcell(1) instead, in man form", NULL},
    {0},
};

/* rootcell-spy reads them: src/spy/spy_options.c has the same rows, and a test compares them. */
static const struct command_option spy_options[] = {
    {"json", 0, "print each finished call as a JSON object in a line", NULL},
    {"tui", 0, "browse on a full screen", NULL},
    {"raw", 0, "add headers and bodies, without their secrets", NULL},
    {"no-dedupe", 0, "show all of each request, not only what is new", NULL},
    {"no-denied", 0, "leave out what the firewall denied", NULL},
    {"tools", 0, "show what tools do and take, not only their names", NULL},
    {"session", 0, "only this session; the beginning of its id is enough", "ID"},
    {"provider", 0, "only this provider: anthropic, bedrock, openai", "NAME"},
    {"since", 0, "only from then on: 10m, 2h, or 2026-01-31T12:00:00Z", "WHEN"},
    {"filter", 0, "only calls that meet it: see rootcell-spy(1)", "EXPR"},
    {"record", 0, "keep what is seen in a new file, to show it again", "FILE"},
    {"color", 0, "auto, always or never", "WHEN"},
    {"width", 0, "wrap at so many columns", "N"},
    {"utc", 0, "show times in UTC", NULL},
    {"backlog", 0, "end when what was captured before has come", NULL},
    {"har", 0, "export: an HTTP archive (HAR 1.2)", "FILE"},
    {"jsonl", 0, "export: the lines of --json", "FILE"},
    {"otel", 0, "export: OpenTelemetry spans (OTLP as JSON)", "FILE"},
    {"html", 0, "export: one page that needs nothing else", "FILE"},
    {0},
};

static const char *const spy_words[] = {"export", NULL};
static const char *const image_words[] = {"build", "list", "release", "verify", NULL};
static const char *const shell_words[] = {"bash", "zsh", "fish", NULL};

const struct command command_table[] = {
    {
        .name = "allow",
        .operands = "[HOST...]",
        .operand_maximum = COMMAND_OPERANDS_ANY,
        .summary = "allow hosts, and load the policy into the firewall",
        .description =
            "With hosts, adds a rule for each to the instance's policy, or takes it away with "
            "--remove. A HOST may be a whole rule in quotes, such as "
            "\"api.github.com GET /repos/**\"; rootcell-policy(5) has the form.\n\n"
            "Then, with or without hosts, loads the policy files into the running firewall and "
            "prints what changed. Connections to names that are no longer allowed are cut. A rule "
            "that cannot be understood changes nothing: neither the file nor the policy in force.",
        .options = allow_options,
        .run = command_allow,
    },
    {
        .name = "provision",
        .operands = "",
        .summary = "bring the agent VM to the configured state again",
        .description =
            "Installs the packages of ROOTCELL_AGENT_PACKAGES, sets up trust and SSH, and copies "
            "the files of the harness: pi/agent/ of the checkout and of the instance's folder, "
            "the newer file where both have one, into ~/.pi/agent. Entering does the same by "
            "itself when any of these has changed.",
        .run = command_provision,
    },
    {
        .name = "pubkey",
        .operands = "",
        .summary = "print the agent VM's public SSH key, for Git hosts",
        .description = "The key is made in the VM when it is first asked for, and the private key "
                       "never leaves it. It is RSA with 4096 bits, the one kind that GitHub, "
                       "GitLab, Bitbucket and Azure DevOps all take.",
        .run = command_pubkey,
    },
    {
        .name = "list",
        .operands = "",
        .summary = "list all instances and the state of their VMs",
        .description =
            "One line for each instance, in the order of their names: the name, whether its VMs "
            "are running or stopped, and the agent VM's address.\n\n"
            "With --json an array of objects with name, agent and firewall (\"running\", "
            "\"stopped\", or \"unknown\" and nothing else where an instance cannot be read), "
            "agent_ip, firewall_ip, prefix and ssh_port.",
        .options = json_option,
        .run = command_list,
    },
    {
        .name = "stop",
        .operands = "",
        .summary = "shut both VMs of the instance down",
        .description = "In order, and firmly when a VM does not answer or is paused. The disk, the "
                       "policy and the keys stay. An instance that does not run is no error.",
        .run = command_stop,
    },
    {
        .name = "remove",
        .operands = "",
        .summary = "stop the instance and delete it, disk included",
        .description = "Asks first; without a terminal to ask at, --yes is needed. Images are "
                       "kept.",
        .options = remove_options,
        .run = command_remove,
    },
    {
        .name = "log",
        .operands = "",
        .summary = "show what the agent tried and what the firewall decided",
        .description = "One line for each decision, the oldest first. Under a refused one stands "
                       "the command that would allow it.\n\n"
                       "With --json the records as they are, one object a line; rootcell-audit(5) "
                       "lists their members.",
        .options = log_options,
        .run = command_log,
    },
    {
        .name = "spy",
        .operands = "[export] [RECORDING]",
        .operand_maximum = COMMAND_OPERANDS_ANY,
        .words = spy_words,
        .summary = "show what the agent and its language models say, live",
        .description =
            "Calls to Anthropic, Bedrock and OpenAI as they happen: what is new in each request, "
            "the answer as it streams, tool calls with their results, tokens and an estimate of "
            "the cost; and between them what the firewall denied. Secrets are taken out before "
            "anything leaves the firewall.\n\n"
            "The instance has to run. With a RECORDING, made with --record, shows that; no "
            "instance is needed then. "
            "\"spy export\" writes what was captured, or a recording, in other forms. "
            "rootcell-spy(1) says more, and rootcell-spy(5) what the JSON is made of.",
        .options = spy_options,
        .is_passed_on = true,
        .run = command_spy,
    },
    {
        .name = "doctor",
        .operands = "",
        .summary = "check this host, and say what mends what is wrong",
        .description = "Ends with status 1 when something is wrong that keeps rootcell from "
                       "working.\n\n"
                       "With --json an array of objects with name, verdict (\"good\", \"note\" or "
                       "\"bad\"), text, and remedy (empty where nothing is to be done).",
        .options = json_option,
        .run = command_doctor,
    },
    {
        .name = "selftest",
        .operands = "",
        .summary = "attack the firewall from inside the agent VM",
        .description =
            "Tries, as root of the agent VM, what the firewall must refuse: raw bytes, data in "
            "names, addresses of one's own choice, requests that say two things, and more. Prints "
            "for each attack what was expected and what was seen. docs/attacks.md lists all that "
            "is tried when rootcell itself is tested.\n\n"
            "Denied names end in .invalid, and addresses are those that nobody has; the one "
            "request that may leave is a GET of the first page of a name that the policy allows. "
            "An attack that the policy gives nothing to try with is \"untried\". Ends with "
            "status 1 when an attack got through or could not be shown to fail. It tells of the "
            "firewall, not of the agent: an agent that took over the VM can make up what is said "
            "here.",
        .options = json_option,
        .run = command_selftest,
    },
    {
        .name = "ssh-config",
        .operands = "",
        .summary = "print an entry for ~/.ssh/config that reaches the VM",
        .description =
            "Put it above any \"Host *\" block: ssh takes the first value that it finds. "
            "With it, ssh, scp, rsync and editors reach the agent VM. The file that it is made "
            "from reaches the firewall VM too: ssh -F .../ssh/config rootcell-firewall.",
        .run = command_ssh_config,
    },
    {
        .name = "image",
        .operands = "build|list|verify|release KEY FOLDER",
        .operand_minimum = 1,
        .operand_maximum = 3,
        .words = image_words,
        .summary = "make the VM images, list them, check their hashes, or release them",
        .description =
            "build makes the images from Debian packages, or downloads them where "
            "ROOTCELL_IMAGE_MANIFEST_URL is set. Images that were made from the same package "
            "lists, settings and sources are kept. Instances that exist keep the base that their "
            "disk was made on.\n\n"
            "verify computes every hash and checks the signature, and ends with status 1 when "
            "something differs.\n\n"
            "release makes of the images a new FOLDER for a web server, compressed and signed "
            "with the Ed25519 private KEY (a PEM file). ROOTCELL_IMAGE_MANIFEST_URL is then the "
            "address of its manifest.json. KEY must be the private half of "
            "data/image/image-signing.pub of the checkout: that is whose images its users accept.",
        .options = image_options,
        .run = command_image,
    },
    {
        .name = "completion",
        .operands = "bash|zsh|fish",
        .operand_minimum = 1,
        .operand_maximum = 1,
        .words = shell_words,
        .summary = "print a completion script for a shell",
        .description = "For bash: eval \"$(rootcell completion bash)\".",
        .run = command_completion,
    },
    {
        .name = "help",
        .operands = "[COMMAND]",
        .operand_maximum = 1,
        .summary = "explain rootcell, or one command",
        .description = "The same as --help.",
        .options = help_options,
        .run = command_help,
    },
    {0},
};

const struct command command_enter = {
    .name = "",
    .operands = "",
    .summary = "open a login shell in the agent VM",
    .run = command_enter_run,
};

const struct command command_run = {
    .name = "",
    .operands = "COMMAND [ARGUMENT...]",
    .operand_minimum = 1,
    .operand_maximum = COMMAND_OPERANDS_ANY,
    .summary = "run a command in the agent VM",
    .run = command_enter_run,
};

const struct command *command_find(const char *name)
{
    for (const struct command *row = command_table; row->name; row++) {
        if (strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}

bool command_option_takes_next(const struct command *command, const char *word)
{
    for (const struct command_option *option = command->options; option && option->name; option++) {
        if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, option->name) == 0)
            return option->value != NULL;
    }
    return false;
}

bool invocation_has(const struct invocation *invocation, const char *option_name)
{
    const struct command_option *options = invocation->command->options;
    for (size_t i = 0; options && options[i].name; i++) {
        if (strcmp(options[i].name, option_name) == 0)
            return invocation->is_option_given[i];
    }
    CHECK(!"an option of the command");
    return false;
}

void invocation_done(struct invocation *invocation)
{
    argument_list_done(&invocation->operands);
}

int command_finish(bool is_done, const char *name, struct error *error)
{
    if (is_done)
        return EXIT_STATUS_OK;
    error_add_context(error, "%s", name);
    message_error(error);
    return EXIT_STATUS_FAILED;
}
