#include "host/pki.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "host/message.h"
#include "system/file.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <stdio.h>

enum { PEM_CAP = 64 * 1024, VALID_DAYS = 3650, SERIAL_BYTES = 16 };

static bool fail(struct error *error, const char *what)
{
    char reason[200];
    ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
    return error_set(error, "%s: %s", what, reason);
}

static BIO *read_pem(const char *path)
{
    struct buffer text;
    struct error ignored;
    buffer_init(&text, PEM_CAP);
    BIO *memory = NULL;
    if (file_read(path, &text, &ignored)) {
        struct bytes all = buffer_bytes(&text);
        memory = BIO_new(BIO_s_mem());
        if (memory && BIO_write(memory, all.data, (int)all.length) != (int)all.length) {
            BIO_free(memory);
            memory = NULL;
        }
    }
    buffer_done_secret(&text);
    return memory;
}

static bool is_usable(X509 *certificate, EVP_PKEY *key)
{
    return X509_check_ca(certificate) == 1 && X509_check_private_key(certificate, key) == 1 &&
           X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

/* Both files are there, fit each other and are a CA. */
static bool is_pair_good(const char *key_path, const char *certificate_path)
{
    BIO *key_text = read_pem(key_path), *certificate_text = read_pem(certificate_path);
    /* An empty password: never ask for one on the terminal. */
    EVP_PKEY *key = key_text ? PEM_read_bio_PrivateKey(key_text, NULL, NULL, (void *)"") : NULL;
    X509 *certificate =
        certificate_text ? PEM_read_bio_X509(certificate_text, NULL, NULL, NULL) : NULL;
    bool is_good = key && certificate && is_usable(certificate, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(certificate_text);
    BIO_free(key_text);
    ERR_clear_error();
    return is_good;
}

static bool add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool is_added = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return is_added;
}

static bool set_serial(X509 *certificate)
{
    unsigned char random[SERIAL_BYTES];
    if (RAND_bytes(random, sizeof(random)) != 1)
        return false;
    random[0] &= 0x7f; /* RFC 5280 4.1.2.2: positive */
    BIGNUM *number = BN_bin2bn(random, sizeof(random), NULL);
    bool is_set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return is_set;
}

static bool fill_certificate(X509 *certificate, EVP_PKEY *key, const char *instance_name)
{
    char name[80];
    snprintf(name, sizeof(name), "rootcell CA of %s", instance_name);
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                      -1, 0) &&
           X509_set_issuer_name(certificate, subject) &&
           /* A day back: a guest's clock may be behind. */
           X509_gmtime_adj(X509_getm_notBefore(certificate), -24L * 3600) &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), VALID_DAYS, 0, NULL) &&
           X509_set_pubkey(certificate, key) &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(certificate, NID_subject_key_identifier, "hash") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool write_pem(BIO *text, const char *path, mode_t mode, struct error *error)
{
    char *data = NULL;
    long length = BIO_get_mem_data(text, &data);
    return file_write_atomic(path, (struct bytes){(const uint8_t *)data, (size_t)length}, mode,
                             error);
}

/* The key last: a key without its certificate is made again, a pair is never half new. */
static bool write_pair(EVP_PKEY *key, X509 *certificate, const char *key_path,
                       const char *certificate_path, struct error *error)
{
    BIO *key_text = BIO_new(BIO_s_secmem()), *certificate_text = BIO_new(BIO_s_mem());
    bool is_made = key_text && certificate_text &&
                   PEM_write_bio_PKCS8PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) &&
                   PEM_write_bio_X509(certificate_text, certificate);
    bool is_written = is_made ? write_pem(certificate_text, certificate_path, 0644, error) &&
                                    write_pem(key_text, key_path, 0600, error)
                              : fail(error, "encode");
    BIO_free(key_text);
    BIO_free(certificate_text);
    return is_written;
}

static bool make_pair(const char *key_path, const char *certificate_path, const char *instance_name,
                      struct error *error)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    bool is_made = key && certificate && fill_certificate(certificate, key, instance_name);
    bool is_written = is_made ? write_pair(key, certificate, key_path, certificate_path, error)
                              : fail(error, "make");
    X509_free(certificate);
    EVP_PKEY_free(key);
    return is_written;
}

static bool set_aside(const char *path, struct error *error)
{
    CLEANUP_FREE char *aside = memory_format("%s.unusable", path);
    if (file_exists(path) && rename(path, aside) != 0)
        return error_set_errno(error, errno, "set %s aside", path);
    return true;
}

bool pki_ensure_ca(const char *folder, const char *instance_name, struct error *error)
{
    CLEANUP_FREE char *key_path = memory_format("%s/ca-key.pem", folder);
    CLEANUP_FREE char *certificate_path = memory_format("%s/ca.pem", folder);
    if (is_pair_good(key_path, certificate_path))
        return true;
    if (file_exists(key_path)) {
        message_note("%s: not a CA that can be used; set aside as *.unusable, a new one is made",
                     certificate_path);
        if (!set_aside(key_path, error) || !set_aside(certificate_path, error))
            return false;
    }
    return make_pair(key_path, certificate_path, instance_name, error) ||
           error_add_context(error, "CA of instance \"%s\"", instance_name);
}
