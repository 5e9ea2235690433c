#ifndef HOST_COMMAND_H
#define HOST_COMMAND_H

#include "host/exit_status.h"
#include "host/instance_name.h"
#include "system/argument_list.h"

struct invocation;

enum { COMMAND_OPTION_LIMIT = 24, COMMAND_OPERANDS_ANY = 1000000 };

struct command_option {
    const char *name; /* without the dashes; NULL ends a list */
    char letter;      /* short form, 0 for none */
    const char *summary;
    const char *value; /* what a value stands for in help, NULL for an option without one */
};

/**
 * One command of ours. Help, completions and the man page are made from these rows
 * (command_table.c), so a command cannot exist without its words.
 */
struct command {
    const char *name;
    const char *operands; /* as the usage line shows them, "" for none */
    size_t operand_minimum, operand_maximum;
    const char *const *words; /* operands that completion offers, NULL-terminated; NULL for none */
    const char *summary;      /* half a line */
    const char *description;  /* paragraphs for help and the man page, separated by empty lines */
    const struct command_option *options; /* NULL for none */
    bool is_passed_on; /* another program reads options and operands: they all become operands */
    int (*run)(const struct invocation *invocation);
};

/** The rows in the order of the help text; the last has a NULL name. */
extern const struct command command_table[];
/** What an empty command line does, and what a first word that is no command does. */
extern const struct command command_enter;
extern const struct command command_run;

/** The command of that name, or NULL. */
const struct command *command_find(const char *name);

/** A command line, read. */
struct invocation {
    const struct command *command;
    char instance[INSTANCE_NAME_SIZE];
    bool is_option_given[COMMAND_OPTION_LIMIT]; /* by index in command->options */
    struct argument_list operands;              /* of command_run: the program and its arguments */
};

/** Whether the option of that name (one of the command's: CHECK) was given. */
bool invocation_has(const struct invocation *invocation, const char *option_name);
void invocation_done(struct invocation *invocation);

/** Whether this word is an option of the command whose value is the word after it. */
bool command_option_takes_next(const struct command *command, const char *word);

/** How a command of ours ends: a failure is told with the command's name before it. */
int command_finish(bool is_done, const char *name, struct error *error);

int command_allow(const struct invocation *invocation);
int command_completion(const struct invocation *invocation);
int command_doctor(const struct invocation *invocation);
int command_enter_run(const struct invocation *invocation);
int command_help(const struct invocation *invocation);
int command_image(const struct invocation *invocation);
int command_list(const struct invocation *invocation);
int command_log(const struct invocation *invocation);
int command_provision(const struct invocation *invocation);
int command_pubkey(const struct invocation *invocation);
int command_remove(const struct invocation *invocation);
int command_selftest(const struct invocation *invocation);
int command_spy(const struct invocation *invocation);
int command_ssh_config(const struct invocation *invocation);
int command_stop(const struct invocation *invocation);
int command_version(const struct invocation *invocation);

#endif
