#include "host/command.h"

#include "base/memory.h"
#include "host/image_folder.h"
#include "host/machine_image.h"
#include "host/message.h"

#include <stdlib.h>
#include <string.h>

/* Settings choose the image; an instance that is not there yet has the defaults. */
static bool run(const struct home *home, const struct instance *instance, const char *word,
                struct error *error)
{
    CLEANUP_FREE char *folder = machine_image_folder(instance);
    CLEANUP_FREE char *images = memory_format("%s/images", home->folder);
    CLEANUP_FREE char *data = memory_format("%s/image", home->data);
    if (strcmp(word, "build") == 0)
        return machine_image_build(instance, error);
    if (strcmp(word, "verify") == 0)
        return image_folder_verify_run(folder, data, error);
    return image_folder_list_run(images, folder, error);
}

int command_image(const struct invocation *invocation)
{
    struct home home;
    struct instance instance = {0};
    struct error error;
    bool is_done = home_find(&home, &error) &&
                   instance_read_settings(&instance, &home, invocation->instance, &error) &&
                   run(&home, &instance, invocation->operands.texts[0], &error);
    if (!is_done) {
        error_add_context(&error, "image %s", invocation->operands.texts[0]);
        message_error(&error);
        return EXIT_STATUS_FAILED;
    }
    instance_done(&instance);
    home_done(&home);
    return EXIT_STATUS_OK;
}
