#ifndef HOST_IMAGE_BUILD_H
#define HOST_IMAGE_BUILD_H

#include "base/error.h"

/**
 * `rootcell image build`: makes the image folder from Debian and npm packages.
 *
 * Theory of operation. Two runs of mmdebstrap give two tar archives: the agent's system, and the
 * few packages that the firewall's files come from. npm's packages come as their tarballs, pinned
 * by version and sha512. All of them are read in place (image_tree.h): nothing is unpacked on the
 * host, and only mmdebstrap needs root or a user namespace. From the trees come agent.img and the
 * layers (image_ext4.h) and the two initramfs (image_initramfs.h); the manifest lists them.
 *
 * Everything is made in FOLDER.partial, where each finished step leaves a file that is renamed into
 * place; a run after an interrupted one uses those of the same inputs. At the end the folder is
 * renamed to FOLDER, so that an image is there whole or not at all.
 */
struct image_build_options {
    const char *folder;       /* of the image, as images/x86_64 */
    const char *data;         /* data/image of the source tree or the installation */
    const char *init;         /* static rootcell-init */
    const char *firewall;     /* static rootcell-firewall */
    const char *architecture; /* x86_64 or aarch64 */
};

/** Make the image, saying each step on standard error. An image that is there is replaced. */
bool image_build_run(const struct image_build_options *options, struct error *error);

/**
 * Whether a whole image is there that was made from the same inputs (image_inputs.h): making it
 * again would change nothing but the versions of Debian's packages.
 */
bool image_build_is_current(const struct image_build_options *options);

/**
 * Put the programs of these options into the firewall's initramfs when they are not the ones that
 * the image was made with, so that a firewall that was mended is the one that runs. Takes a second,
 * and nothing when they are the same. A signed image is left as it is.
 */
bool image_build_refresh(const struct image_build_options *options, struct error *error);

#endif
