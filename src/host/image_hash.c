#include "host/image_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "system/file.h"

enum { READ_BYTES = 256 * 1024, SHA512_BYTES = 64 };

static void write_hexadecimal(const uint8_t *digest, char text[MANIFEST_HASH_SIZE])
{
    for (size_t i = 0; i < (MANIFEST_HASH_SIZE - 1) / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

bool image_hash_bytes(struct bytes content, char sha256[MANIFEST_HASH_SIZE], struct error *error)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(content.data, content.length, digest, NULL, EVP_sha256(), NULL) != 1)
        return error_set(error, "SHA-256 failed");
    write_hexadecimal(digest, sha256);
    return true;
}

static bool hash_descriptor(int fd, EVP_MD_CTX *hash, uint64_t *size_bytes,
                            void (*on_progress)(void *context, uint64_t done), void *context)
{
    CLEANUP_FREE uint8_t *block = memory_new(READ_BYTES);
    ssize_t length;
    *size_bytes = 0;
    while ((length = read(fd, block, READ_BYTES)) > 0) {
        EVP_DigestUpdate(hash, block, (size_t)length);
        *size_bytes += (uint64_t)length;
        if (on_progress != NULL)
            on_progress(context, *size_bytes);
    }
    return length == 0;
}

bool image_hash_file(const char *path, char sha256[MANIFEST_HASH_SIZE], uint64_t *size_bytes,
                     void (*on_progress)(void *context, uint64_t done), void *context,
                     struct error *error)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "%s", path);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    uint8_t digest[EVP_MAX_MD_SIZE];
    uint64_t read_bytes = 0;
    bool is_good = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    if (!is_good)
        error_set(error, "SHA-256 failed");
    else if (!hash_descriptor(fd, hash, &read_bytes, on_progress, context))
        is_good = error_set_errno(error, errno, "%s", path);
    else
        is_good = EVP_DigestFinal_ex(hash, digest, NULL) == 1 || error_set(error, "SHA-256 failed");
    EVP_MD_CTX_free(hash);
    if (is_good) {
        write_hexadecimal(digest, sha256);
        *size_bytes = read_bytes;
    }
    return is_good;
}

bool image_hash_check_integrity(struct bytes content, const char *integrity, struct error *error)
{
    static const char prefix[] = "sha512-";
    uint8_t digest[EVP_MAX_MD_SIZE];
    uint8_t text[4 * (SHA512_BYTES + 2) / 3 + 4];
    if (strncmp(integrity, prefix, strlen(prefix)) != 0)
        return error_set(error, "\"%s\" is no sha512 integrity", integrity);
    if (EVP_Digest(content.data, content.length, digest, NULL, EVP_sha512(), NULL) != 1)
        return error_set(error, "SHA-512 failed");
    EVP_EncodeBlock(text, digest, SHA512_BYTES);
    if (strcmp((const char *)text, integrity + strlen(prefix)) != 0)
        return error_set(error, "its hash sha512-%s is not the pinned %s", text, integrity);
    return true;
}

enum key_half { KEY_PUBLIC, KEY_PRIVATE };

static EVP_PKEY *read_key(const char *path, enum key_half half, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        error_set_errno(error, errno, "%s", path);
        return NULL;
    }
    EVP_PKEY *key = half == KEY_PUBLIC ? PEM_read_PUBKEY(file, NULL, NULL, NULL)
                                       : PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    if (key == NULL || EVP_PKEY_id(key) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(key);
        error_set(error, "%s: no Ed25519 %s key", path, half == KEY_PUBLIC ? "public" : "private");
        return NULL;
    }
    return key;
}

bool image_hash_sign(struct bytes text, const char *private_key_path,
                     uint8_t signature[IMAGE_HASH_SIGNATURE_BYTES], struct error *error)
{
    EVP_PKEY *key = read_key(private_key_path, KEY_PRIVATE, error);
    if (key == NULL)
        return false;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t length = IMAGE_HASH_SIGNATURE_BYTES;
    bool is_good = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
                   EVP_DigestSign(context, signature, &length, text.data, text.length) == 1 &&
                   length == IMAGE_HASH_SIGNATURE_BYTES;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return is_good || error_set(error, "signing with %s failed", private_key_path);
}

bool image_hash_check_signature(struct bytes text, struct bytes signature,
                                const char *public_key_path, struct error *error)
{
    EVP_PKEY *key = read_key(public_key_path, KEY_PUBLIC, error);
    if (key == NULL)
        return false;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good =
        signature.length == IMAGE_HASH_SIGNATURE_BYTES && context != NULL &&
        EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
        EVP_DigestVerify(context, signature.data, signature.length, text.data, text.length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return is_good || error_set(error, "the signature does not fit the key in %s", public_key_path);
}
