#include "host/completion.h"

#include "base/check.h"
#include "host/command.h"

#include <string.h>

/* `rootcell list` prints the name first: the scripts need no other tool than the shell's own. */

static void add(struct buffer *out, const char *text)
{
    CHECK(buffer_append_text(out, text));
}

static void add_names(struct buffer *out)
{
    for (const struct command *row = command_table; row->name; row++)
        CHECK(buffer_append_format(out, "%s%s", row == command_table ? "" : " ", row->name));
}

/* The text between single quotes; `quote` is how the shell writes one inside them. */
static void add_quoted(struct buffer *out, const char *text, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'')
            add(out, quote);
        else
            CHECK(buffer_append_byte(out, (uint8_t)*text));
    }
}

/* Options and words of one command, separated by spaces. */
static void add_words_of(struct buffer *out, const struct command *row)
{
    add(out, "-i --instance --help");
    for (size_t i = 0; row->options && row->options[i].name; i++)
        CHECK(buffer_append_format(out, " --%s", row->options[i].name));
    for (const char *const *word = row->words; word && *word; word++)
        CHECK(buffer_append_format(out, " %s", *word));
    if (row->run == command_help) {
        add(out, " ");
        add_names(out);
    }
}

static void append_bash(struct buffer *out)
{
    add(out, "# rootcell: completion for bash\n"
             "_rootcell_instances() {\n"
             "    local name rest\n"
             "    rootcell list 2>/dev/null | while read -r name rest; do\n"
             "        echo \"$name\"\n"
             "    done\n"
             "}\n"
             "_rootcell() {\n"
             "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
             "    local word command='' skip=''\n"
             "    case $previous in\n"
             "    -i | --instance)\n"
             "        COMPREPLY=($(compgen -W \"$(_rootcell_instances)\" -- \"$current\"))\n"
             "        return ;;\n"
             "    esac\n"
             "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
             "        if [ -n \"$skip\" ]; then skip=''; continue; fi\n"
             "        case $word in\n"
             "        -i | --instance) skip=yes ;;\n"
             "        -*) ;;\n"
             "        *) command=$word; break ;;\n"
             "        esac\n"
             "    done\n"
             "    case $command in\n"
             "    '') COMPREPLY=($(compgen -W \"");
    add_names(out);
    add(out, " -i --instance --help --version\" -- \"$current\")) ;;\n");
    for (const struct command *row = command_table; row->name; row++) {
        CHECK(buffer_append_format(out, "    %s) COMPREPLY=($(compgen -W \"", row->name));
        add_words_of(out, row);
        add(out, "\" -- \"$current\")) ;;\n");
    }
    add(out, "    *) COMPREPLY=() ;;\n"
             "    esac\n"
             "}\n"
             "complete -o default -F _rootcell rootcell ./rootcell\n");
}

static void append_zsh(struct buffer *out)
{
    add(out, "#compdef rootcell\n"
             "_rootcell_instances() {\n"
             "    local -a names\n"
             "    names=(${${(f)\"$(rootcell list 2>/dev/null)\"}%% *})\n"
             "    compadd -a names\n"
             "}\n"
             "_rootcell() {\n"
             "    local command='' word skip=''\n"
             "    local -a commands\n"
             "    case ${words[CURRENT-1]} in\n"
             "    -i | --instance) _rootcell_instances; return ;;\n"
             "    esac\n"
             "    for word in ${words[2,CURRENT-1]}; do\n"
             "        if [[ -n $skip ]]; then skip=''; continue; fi\n"
             "        case $word in\n"
             "        -i | --instance) skip=yes ;;\n"
             "        -*) ;;\n"
             "        *) command=$word; break ;;\n"
             "        esac\n"
             "    done\n"
             "    case $command in\n"
             "    '')\n"
             "        commands=(\n");
    for (const struct command *row = command_table; row->name; row++) {
        CHECK(buffer_append_format(out, "            '%s:", row->name));
        add_quoted(out, row->summary, "'\\''");
        add(out, "'\n");
    }
    add(out, "        )\n"
             "        _describe command commands\n"
             "        compadd -- -i --instance --help --version ;;\n");
    for (const struct command *row = command_table; row->name; row++) {
        CHECK(buffer_append_format(out, "    %s) compadd -- ", row->name));
        add_words_of(out, row);
        add(out, " ;;\n");
    }
    add(out, "    *) _default ;;\n"
             "    esac\n"
             "}\n"
             "compdef _rootcell rootcell\n");
}

static void append_fish(struct buffer *out)
{
    add(out, "# rootcell: completion for fish\n"
             "function __rootcell_instances\n"
             "    rootcell list 2>/dev/null | string replace -r ' .*' ''\n"
             "end\n"
             "complete -c rootcell -s i -l instance -x -a '(__rootcell_instances)' "
             "-d 'the instance'\n"
             "complete -c rootcell -n __fish_use_subcommand -l version -d 'print the version'\n");
    for (const struct command *row = command_table; row->name; row++) {
        CHECK(buffer_append_format(
            out, "complete -c rootcell -n __fish_use_subcommand -f -a %s -d '", row->name));
        add_quoted(out, row->summary, "\\'");
        add(out, "'\n");
        for (size_t i = 0; row->options && row->options[i].name; i++)
            CHECK(buffer_append_format(
                out, "complete -c rootcell -n '__fish_seen_subcommand_from %s' -l %s%s -d '%s'\n",
                row->name, row->options[i].name, row->options[i].value ? " -r" : "",
                row->options[i].summary));
        for (const char *const *word = row->words; word && *word; word++)
            CHECK(buffer_append_format(
                out, "complete -c rootcell -n '__fish_seen_subcommand_from %s' -f -a %s\n",
                row->name, *word));
    }
}

void completion_append(struct buffer *out, const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        append_bash(out);
    else if (strcmp(shell, "zsh") == 0)
        append_zsh(out);
    else if (strcmp(shell, "fish") == 0)
        append_fish(out);
    else
        CHECK(!"a shell of the command table");
}
