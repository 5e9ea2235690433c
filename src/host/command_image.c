#include "host/command.h"

#include "base/memory.h"
#include "host/image_folder.h"
#include "host/machine_image.h"
#include "host/message.h"

#include <stdlib.h>
#include <string.h>

/* Settings choose the image; an instance that is not there yet has the defaults. */
static bool run(const struct home *home, const struct instance *instance,
                const struct invocation *invocation, struct error *error)
{
    char *const *operands = invocation->operands.texts;
    CLEANUP_FREE char *folder = machine_image_folder(instance);
    CLEANUP_FREE char *images = memory_format("%s/images", home->folder);
    CLEANUP_FREE char *data = memory_format("%s/image", home->data);
    if (strcmp(operands[0], "build") == 0)
        return machine_image_build(instance, invocation_has(invocation, "force"), error);
    if (strcmp(operands[0], "release") == 0)
        return machine_image_release(instance, operands[1], operands[2], error);
    if (strcmp(operands[0], "verify") == 0)
        return image_folder_verify_run(folder, data, error);
    return image_folder_list_run(images, folder, error);
}

/* Only one of the words has operands of its own. */
static bool check_operands(const struct invocation *invocation, struct error *error)
{
    const struct argument_list *operands = &invocation->operands;
    bool is_release = strcmp(operands->texts[0], "release") == 0;
    if (is_release && operands->count != 3)
        return error_set(error,
                         "image release: it takes KEY and FOLDER; see `rootcell help image`");
    if (!is_release && operands->count != 1)
        return error_set(error, "image %s: nothing is expected after it; see `rootcell help image`",
                         operands->texts[0]);
    return true;
}

int command_image(const struct invocation *invocation)
{
    struct home home;
    struct instance instance = {0};
    struct error error;
    if (!check_operands(invocation, &error)) {
        message_error(&error);
        return EXIT_STATUS_USAGE;
    }
    CLEANUP_FREE char *name = memory_format("image %s", invocation->operands.texts[0]);
    if (!home_find(&home, &error))
        return command_finish(false, name, &error);
    bool is_done = instance_read_settings(&instance, &home, invocation->instance, &error) &&
                   run(&home, &instance, invocation, &error);
    instance_done(&instance);
    home_done(&home);
    return command_finish(is_done, name, &error);
}
