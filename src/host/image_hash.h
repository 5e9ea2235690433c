#ifndef HOST_IMAGE_HASH_H
#define HOST_IMAGE_HASH_H

#include "base/bytes.h"
#include "base/error.h"
#include "record/manifest.h"

/* Hashes and signatures of images, by OpenSSL. */

/** SHA-256 of the bytes in hexadecimal. */
bool image_hash_bytes(struct bytes content, char sha256[MANIFEST_HASH_SIZE], struct error *error);

/** SHA-256 and size of a file. `on_progress` (or NULL) is told the bytes read so far. */
bool image_hash_file(const char *path, char sha256[MANIFEST_HASH_SIZE], uint64_t *size_bytes,
                     void (*on_progress)(void *context, uint64_t done), void *context,
                     struct error *error);

/** The bytes have the hash that npm's `integrity` names (`sha512-BASE64`). */
bool image_hash_check_integrity(struct bytes content, const char *integrity, struct error *error);

enum { IMAGE_HASH_SIGNATURE_BYTES = 64 };

/**
 * Sign `text` with the Ed25519 private key in the PEM file. OpenSSL asks for the passphrase at the
 * terminal when the key is encrypted.
 */
bool image_hash_sign(struct bytes text, const char *private_key_path,
                     uint8_t signature[IMAGE_HASH_SIGNATURE_BYTES], struct error *error);

/** The Ed25519 signature (64 raw bytes) over `text` fits the public key in the PEM file. */
bool image_hash_check_signature(struct bytes text, struct bytes signature,
                                const char *public_key_path, struct error *error);

#endif
