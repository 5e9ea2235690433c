#ifndef HOST_IMAGE_INPUTS_H
#define HOST_IMAGE_INPUTS_H

#include "host/image_build.h"
#include "record/manifest.h"

/**
 * What an image is made from, as one hash: lists, settings and scripts of the data folder, the
 * architecture, where this host's apt and npm get packages, and the program that makes images. Our
 * programs for the firewall are not part of it (image_build_refresh brings newer ones into an image
 * that is there), and neither is what the package archives hold today.
 */

/** Compute it for these options. */
bool image_inputs_hash(const struct image_build_options *options, char sha256[MANIFEST_HASH_SIZE],
                       struct error *error);

/** Note the hash in the image folder, or read it there; false when none is noted. */
bool image_inputs_write(const char *folder, const char *sha256, struct error *error);
bool image_inputs_read(const char *folder, char sha256[MANIFEST_HASH_SIZE]);

#endif
