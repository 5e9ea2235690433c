#ifndef HOST_INSTANCE_H
#define HOST_INSTANCE_H

#include "host/home.h"
#include "host/instance_name.h"
#include "host/settings.h"
#include "host/vm_plan.h"
#include "record/state_file.h"
#include "system/file_lock.h"

/** A named pair of VMs, as its folder tells. */
struct instance {
    const struct home *home; /* borrowed */
    char name[INSTANCE_NAME_SIZE];
    char *folder;  /* owned: HOME/instances/NAME */
    char *runtime; /* owned: folder of the sockets */
    struct settings settings;
    struct state_file state;
};

/** Paths of an instance; each is owned by the caller. */
char *instance_path(const struct instance *instance, const char *below);
char *instance_vm_path(const struct instance *instance, enum vm_role role, const char *file);
char *instance_runtime_path(const struct instance *instance, const char *file);
/** The VM's name as people see it: agent, or agent-NAME. */
char *instance_vm_name(const struct instance *instance, enum vm_role role);

/** Whether there is an instance of that name, whole or half-made. */
bool instance_exists(const struct home *home, const char *name);

/** The same, as an error that says what to do. */
bool instance_require(const struct home *home, const char *name, struct error *error);

/**
 * Read an instance that exists and is whole, taking no lock and changing nothing. The caller owns
 * it on success.
 */
bool instance_read(struct instance *instance, const struct home *home, const char *name,
                   struct error *error);

/**
 * An instance that need not exist: its settings, as far as there are any, and nothing else. For
 * commands about images and the host. The caller owns it on success.
 */
bool instance_read_settings(struct instance *instance, const struct home *home, const char *name,
                            struct error *error);

/**
 * Take the instance's lock, waiting with a message while another command works on it; it also keeps
 * two commands from making one instance at once.
 */
bool instance_lock(const struct home *home, const char *name, struct file_lock *lock,
                   struct error *error);

/**
 * With its lock held: read the instance, making or finishing what is missing: folders, settings,
 * policy, subnet and state. A state file that cannot be read is set aside and made anew from its
 * copy. The caller owns the instance on success.
 */
bool instance_prepare(struct instance *instance, const struct home *home, const char *name,
                      struct error *error);

/** Write state.json and its copy. */
bool instance_save_state(const struct instance *instance, struct error *error);

void instance_done(struct instance *instance);

/** The process of a VM's runner, or 0 when it does not run. */
int instance_vm_process(const struct instance *instance, enum vm_role role);

/** The names of all instances in order; the caller owns them and the array (ends with NULL). */
char **instance_list_names(const struct home *home, size_t *count, struct error *error);
void instance_list_free(char **names);

#endif
