#ifndef HOST_IMAGE_FOLDER_H
#define HOST_IMAGE_FOLDER_H

#include "base/error.h"
#include "record/manifest.h"

/** An image folder (images/ARCH, or what ROOTCELL_IMAGE_DIR names) and its manifest. */

/** Read FOLDER/manifest.json. */
bool image_folder_read(const char *folder, struct manifest *manifest, struct error *error);

/** Whether FOLDER/manifest.json.sig fits data/image/image-signing.pub, or there is none. */
enum image_signature { IMAGE_SIGNATURE_NONE, IMAGE_SIGNATURE_GOOD, IMAGE_SIGNATURE_BAD };
bool image_folder_check_signature(const char *folder, const char *data,
                                  enum image_signature *signature, struct error *error);

/**
 * The image can be started: manifest there, of this architecture, each file there with its size.
 * Quick: no hash is computed.
 */
bool image_folder_check(const char *folder, const char *architecture, struct error *error);

/** The hash of the manifest, which names the image (for state.json), in hexadecimal. */
bool image_folder_identify(const char *folder, char sha256[MANIFEST_HASH_SIZE],
                           struct error *error);

/**
 * `rootcell image verify`: every hash, with a progress bar, and the signature. One line a file on
 * standard output. False when one does not fit.
 */
bool image_folder_verify_run(const char *folder, const char *data, struct error *error);

/** `rootcell image list`: each image below `images`, and `chosen` (or NULL), on standard output. */
bool image_folder_list_run(const char *images, const char *chosen, struct error *error);

/**
 * Write FOLDER/manifest.json for the files that stand in the folder: hashes and sizes are computed,
 * packages are the caller's.
 */
bool image_folder_write_manifest(const char *folder, struct manifest *manifest,
                                 struct error *error);

/** Write FOLDER/manifest.json again when only this one of its files has changed. */
bool image_folder_update_manifest(const char *folder, struct manifest *manifest, const char *name,
                                  struct error *error);

/**
 * A folder that is finished takes its place: the one that stood there is gone afterwards. At every
 * moment one of both stands there, whole; only where the file system cannot exchange two names
 * there is a moment, and after a crash in it a state, in which none does.
 */
bool image_folder_publish(const char *finished, const char *folder, struct error *error);

/** Compute every hash, with a progress bar under `text`: each file is what the manifest says. */
bool image_folder_check_hashes(const char *folder, const char *text, struct error *error);

#endif
