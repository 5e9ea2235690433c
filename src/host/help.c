#include "host/help.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

enum { LINE_WIDTH = 78, COLUMN = 17 };

static void add(struct buffer *out, const char *text)
{
    CHECK(buffer_append_text(out, text));
}

/* Words filled to the width of a terminal, each line after `indent` spaces. */
static void add_filled(struct buffer *out, const char *text, int indent)
{
    int column = 0;
    while (*text) {
        if (*text == '\n') {
            add(out, "\n");
            column = 0;
            text++;
            continue;
        }
        int length = (int)strcspn(text, " \n");
        if (column > 0 && column + 1 + length > LINE_WIDTH) {
            add(out, "\n");
            column = 0;
        }
        if (column == 0)
            CHECK(buffer_append_format(out, "%*s", indent, ""));
        else
            add(out, " ");
        column = (column ? column + 1 : indent) + length;
        CHECK(buffer_append(out, (struct bytes){(const uint8_t *)text, (size_t)length}));
        text += length;
        while (*text == ' ')
            text++;
    }
    add(out, "\n");
}

static void add_row(struct buffer *out, const char *name, const char *summary)
{
    CHECK(buffer_append_format(out, "  %-*s%s\n", COLUMN, name, summary));
}

void help_append_overview(struct buffer *out)
{
    add(out, "rootcell: root for a coding agent in a virtual machine, behind a wall\n\n"
             "usage: rootcell [-i NAME]                       open a login shell in the VM\n"
             "       rootcell [-i NAME] [--] COMMAND [ARG...] run a command in the VM\n"
             "       rootcell [-i NAME] COMMAND-OF-OURS ...   one of these:\n\n");
    for (const struct command *row = command_table; row->name; row++)
        add_row(out, row->name, row->summary);
    add(out, "\n");
    add_row(out, "-i NAME", "the instance, also after a command of ours; \"default\" unless");
    add_row(out, "", "ROOTCELL_INSTANCE names another");
    add_row(out, "--version", "print the version");
    add(out,
        "\nexit status: of the command that ran in the VM; of ours 0 done, 1 failed, 2 usage,\n"
        "125 the VM could not be entered.\n"
        "`rootcell help COMMAND` says more; the manual pages are in docs/man.\n");
}

static void option_text(const struct command_option *option, char *text, size_t size)
{
    const char *value = option->value ? option->value : "", *space = option->value ? " " : "";
    if (option->letter)
        snprintf(text, size, "-%c, --%s%s%s", option->letter, option->name, space, value);
    else
        snprintf(text, size, "--%s%s%s", option->name, space, value);
}

void help_append_command(struct buffer *out, const struct command *command)
{
    CHECK(buffer_append_format(out, "usage: rootcell %s%s%s%s\n\n", command->name,
                               command->options ? " [OPTION...]" : "",
                               *command->operands ? " " : "", command->operands));
    add_filled(out, command->description, 0);
    add(out, "\n");
    for (size_t i = 0; command->options && command->options[i].name; i++) {
        char text[40];
        option_text(&command->options[i], text, sizeof(text));
        add_row(out, text, command->options[i].summary);
    }
    add_row(out, "-i NAME", "the instance (--instance NAME)");
}

/* Text for man(7): a backslash, and a dot or quote at the start of a line, mean something there. */
static void add_manual_text(struct buffer *out, const char *text)
{
    bool is_line_start = true;
    for (; *text; text++) {
        if (text[0] == '\n' && text[1] == '\n') {
            add(out, "\n.PP\n");
            text++;
            is_line_start = true;
            continue;
        }
        if (is_line_start && (*text == '.' || *text == '\''))
            add(out, "\\&");
        if (*text == '\\')
            add(out, "\\e");
        else if (*text == '-')
            add(out, "\\-");
        else
            CHECK(buffer_append_byte(out, (uint8_t)*text));
        is_line_start = *text == '\n';
    }
    add(out, "\n");
}

static void add_manual_command(struct buffer *out, const struct command *row)
{
    CHECK(buffer_append_format(out, ".SS \"rootcell %s%s%s%s\"\n", row->name,
                               row->options ? " [OPTION...]" : "", *row->operands ? " " : "",
                               row->operands));
    add_manual_text(out, row->description);
    for (size_t i = 0; row->options && row->options[i].name; i++) {
        char text[40];
        option_text(&row->options[i], text, sizeof(text));
        add(out, ".TP\n.B ");
        add_manual_text(out, text);
        add_manual_text(out, row->options[i].summary);
    }
}

static const char manual_start[] =
    ".\\\" Made by `rootcell help --manual` from the command table: edit src/host/help.c.\n"
    ".TH ROOTCELL 1 \"\" \"rootcell " ROOTCELL_VERSION "\"\n"
    ".SH NAME\n"
    "rootcell \\- root for a coding agent in a virtual machine, behind a wall\n"
    ".SH SYNOPSIS\n"
    ".B rootcell\n"
    "[\\fB\\-i\\fR \\fINAME\\fR]\n"
    ".br\n"
    ".B rootcell\n"
    "[\\fB\\-i\\fR \\fINAME\\fR] [\\fB\\-\\-\\fR] \\fICOMMAND\\fR [\\fIARGUMENT\\fR...]\n"
    ".br\n"
    ".B rootcell\n"
    "[\\fB\\-i\\fR \\fINAME\\fR] \\fIcommand of ours\\fR [\\fIOPTION\\fR...]\n"
    ".SH DESCRIPTION\n"
    "An instance is a pair of virtual machines: the agent VM, in which a coding agent has root, "
    "and\n"
    "a small firewall VM, its only way to any network, which lets pass what the instance's policy\n"
    "allows.\n"
    ".PP\n"
    "Without a command, rootcell enters the agent VM with a login shell; it makes and boots the\n"
    "instance first where needed. A first word that is none of the commands below is a program to\n"
    "run in the agent VM: its arguments, terminal, signals, standard streams and exit status pass\n"
    "through as they are. After \\fB\\-\\-\\fR every word is such a program.\n"
    ".PP\n"
    "\\fB\\-i\\fR \\fINAME\\fR (\\fB\\-\\-instance\\fR \\fINAME\\fR) chooses the instance. It "
    "goes\n"
    "before a program, and before or after a command of ours. Names are 1 to 32 of a\\-z, 0\\-9\n"
    "and \\-. Without it, ROOTCELL_INSTANCE does, and else the instance is \"default\".\n"
    ".SH COMMANDS\n";

static const char manual_end[] =
    ".SH EXIT STATUS\n"
    "That of the program that ran in the VM: its own, 128 + N when signal N ended it, 127 when\n"
    "there is no such program and 126 when it could not be executed. Commands of ours:\n"
    ".TP\n.B 0\ndone\n"
    ".TP\n.B 1\nfailed; one line on standard error says what, why, and what to do\n"
    ".TP\n.B 2\nthe command line cannot be understood\n"
    ".TP\n.B 125\nthe VM could not be entered, or the connection to it was lost\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B ROOTCELL_INSTANCE\nthe instance when \\-i is not given\n"
    ".TP\n.B ROOTCELL_HOME\nwhere everything is kept; ~/.rootcell unless set (the script of a\n"
    "checkout sets it to the checkout's .rootcell)\n"
    ".TP\n.B ROOTCELL_DATA\nthe folder of the files that come with rootcell\n"
    ".PP\n"
    "Each setting of rootcell\\-env(5) whose name begins with ROOTCELL_ may also stand in the\n"
    "environment, which wins over the file. AWS_REGION, LANG, LC_*, COLORTERM and TERM of the\n"
    "caller arrive in the VM.\n"
    ".SH FILES\n"
    "Below ROOTCELL_HOME:\n"
    ".TP\n.I images/\nthe VM images, one folder for each architecture\n"
    ".TP\n.I instances/NAME/.env\nsettings, rootcell\\-env(5)\n"
    ".TP\n.I instances/NAME/proxy/\nthe policy, rootcell\\-policy(5)\n"
    ".TP\n.I instances/NAME/log/audit.jsonl\nthe audit log, rootcell\\-audit(5)\n"
    ".TP\n.I instances/NAME/ssh/config\nfor ssh \\-F: the hosts rootcell (the agent VM) and\n"
    "rootcell\\-firewall\n"
    ".TP\n.I instances/NAME/state.json\naddresses and ports that were chosen for the instance\n"
    ".TP\n.I instances/NAME/vm/agent/disk.qcow2\nthe disk of the agent VM\n"
    ".SH SEE ALSO\n"
    "rootcell\\-spy(1), rootcell\\-env(5), rootcell\\-policy(5), rootcell\\-audit(5)\n";

void help_append_manual(struct buffer *out)
{
    add(out, manual_start);
    for (const struct command *row = command_table; row->name; row++)
        add_manual_command(out, row);
    add(out, manual_end);
}
