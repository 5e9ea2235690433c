#ifndef HOST_MACHINE_IMAGE_H
#define HOST_MACHINE_IMAGE_H

#include "host/instance.h"

enum { MACHINE_IMAGE_LAYER_LIMIT = 6, MACHINE_IMAGE_LAYER_NAME_SIZE = 32 };

/** The files that the VMs of an instance start from. */
struct machine_image {
    char *folder; /* owned: of the newest image, which the firewall and the layers come from */
    char *base; /* owned: of the image that the agent's disk was made on: kernel, initramfs, disk */
    char layers[MACHINE_IMAGE_LAYER_LIMIT][MACHINE_IMAGE_LAYER_NAME_SIZE];
    size_t layer_count;
};

/** "x86_64" or "aarch64". */
const char *machine_image_architecture(void);

/** Where the image of an instance is or will be: ROOTCELL_IMAGE_DIR or images/ARCH; owned. */
char *machine_image_folder(const struct instance *instance);

/**
 * Make the image of that folder from packages, or download it. One that was made from the same
 * inputs, or has the manifest that is offered, is kept; `is_forced` makes it from packages anew.
 */
bool machine_image_build(const struct instance *instance, bool is_forced, struct error *error);

/** Make of that image a signed, compressed release in the folder `output` (image_release.h). */
bool machine_image_release(const struct instance *instance, const char *key, const char *output,
                           struct error *error);

/**
 * The image for the instance: made or downloaded when there is none. Its base is kept under its own
 * name, so that a newer image never changes what lies below an existing disk, and the disk of the
 * agent VM is made on it when it is missing. Notes the base in the instance's state. The caller
 * owns `*image` on success.
 */
bool machine_image_ensure(struct instance *instance, struct machine_image *image,
                          struct error *error);
void machine_image_done(struct machine_image *image);

/** Delete the kept bases that no instance of the home has a disk on. */
void machine_image_drop_unused(const struct home *home);

#endif
