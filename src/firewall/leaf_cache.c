#include "firewall/leaf_cache.h"

#include "base/check.h"
#include "base/memory.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
    LEAF_BUCKETS = 512,
    LEAF_RATES = 64,
    LEAF_SERIAL_BYTES = 16,
    LEAF_COMMON_NAME_MAX = 64, /* ub-common-name, RFC 5280 appendix A */
};

struct leaf {
    TAILQ_ENTRY(leaf) bucket_link;
    TAILQ_ENTRY(leaf) age_link;
    X509 *certificate; /* owned */
    int64_t renew_at_s;
    size_t bucket;
    struct host_name name;
};

TAILQ_HEAD(leaf_bucket, leaf);

/* How many names a rule may still add now. Rules that share a place share the allowance. */
struct leaf_rate {
    int64_t second;
    unsigned left;
};

struct leaf_cache {
    X509 *authority;                 /* owned */
    EVP_PKEY *authority_key;         /* owned; secret */
    EVP_PKEY *key;                   /* owned; secret; of every leaf */
    EVP_MD *digest;                  /* owned */
    ASN1_OCTET_STRING *key_id;       /* owned; of `key` */
    ASN1_OCTET_STRING *authority_id; /* owned; of the authority's key */
    uint64_t minted;
    size_t count;
    TAILQ_HEAD(, leaf) ages; /* least recently used first */
    struct leaf_bucket buckets[LEAF_BUCKETS];
    struct leaf_rate rates[2][LEAF_RATES]; /* of patterns, of exact names */
};

/* --- the authority -------------------------------------------------------------------------- */

static BIO *input_of(struct bytes pem)
{
    CHECK(pem.length <= INT_MAX);
    BIO *input = BIO_new_mem_buf(pem.data, (int)pem.length);
    CHECK(input != NULL);
    return input;
}

/* A key that wants a passphrase is refused, never asked about. */
static int no_passphrase(char *into, int size, int is_writing, void *data)
{
    return -1;
}

static bool load_authority(struct leaf_cache *cache, struct bytes certificate, struct bytes key,
                           struct error *error)
{
    BIO *input = input_of(certificate);
    cache->authority = PEM_read_bio_X509(input, NULL, no_passphrase, NULL);
    BIO_free(input);
    input = input_of(key);
    cache->authority_key = PEM_read_bio_PrivateKey(input, NULL, no_passphrase, NULL);
    BIO_free(input);
    bool is_key_fitting = cache->authority && cache->authority_key &&
                          X509_check_private_key(cache->authority, cache->authority_key) == 1;
    ERR_clear_error();
    if (cache->authority == NULL)
        return error_set(error, "CA certificate: no PEM certificate");
    if (cache->authority_key == NULL)
        return error_set(error, "CA key: no PEM private key");
    if (!is_key_fitting)
        return error_set(error, "CA key: does not fit the CA certificate");
    if (X509_check_ca(cache->authority) != 1)
        return error_set(error, "CA certificate: is not that of a certificate authority");
    return true;
}

/* RFC 5280 section 4.2.1.2, method 1. */
static ASN1_OCTET_STRING *key_id_of(const X509 *certificate)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    CHECK(X509_pubkey_digest(certificate, EVP_sha1(), digest, &length) == 1);
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    CHECK(id && ASN1_OCTET_STRING_set(id, digest, (int)length) == 1);
    return id;
}

static void make_key(struct leaf_cache *cache)
{
    cache->key = EVP_EC_gen("P-256");
    CHECK(cache->key != NULL);
    cache->digest = EVP_MD_fetch(NULL, "SHA256", NULL);
    CHECK(cache->digest != NULL);
    X509 *holder = X509_new();
    CHECK(holder && X509_set_pubkey(holder, cache->key) == 1);
    cache->key_id = key_id_of(holder);
    X509_free(holder);
    const ASN1_OCTET_STRING *written = X509_get0_subject_key_id(cache->authority);
    cache->authority_id = written ? ASN1_OCTET_STRING_dup(written) : key_id_of(cache->authority);
    CHECK(cache->authority_id != NULL);
}

bool leaf_cache_new(struct bytes certificate, struct bytes key, struct leaf_cache **cache_out,
                    struct error *error)
{
    struct leaf_cache *cache = memory_new(sizeof(*cache));
    TAILQ_INIT(&cache->ages);
    for (size_t i = 0; i < LEAF_BUCKETS; i++)
        TAILQ_INIT(&cache->buckets[i]);
    if (!load_authority(cache, certificate, key, error)) {
        leaf_cache_free(cache);
        return false;
    }
    make_key(cache);
    *cache_out = cache;
    return true;
}

static void forget(struct leaf_cache *cache, struct leaf *leaf)
{
    TAILQ_REMOVE(&cache->buckets[leaf->bucket], leaf, bucket_link);
    TAILQ_REMOVE(&cache->ages, leaf, age_link);
    cache->count--;
    X509_free(leaf->certificate);
    free(leaf);
}

void leaf_cache_free(struct leaf_cache *cache)
{
    while (!TAILQ_EMPTY(&cache->ages))
        forget(cache, TAILQ_FIRST(&cache->ages));
    X509_free(cache->authority);
    EVP_PKEY_free(cache->authority_key);
    EVP_PKEY_free(cache->key);
    EVP_MD_free(cache->digest);
    ASN1_OCTET_STRING_free(cache->key_id);
    ASN1_OCTET_STRING_free(cache->authority_id);
    free(cache);
}

struct evp_pkey_st *leaf_cache_key(const struct leaf_cache *cache)
{
    return cache->key;
}

uint64_t leaf_cache_minted(const struct leaf_cache *cache)
{
    return cache->minted;
}

/* --- minting -------------------------------------------------------------------------------- */

static void add_extension(X509 *certificate, int number, void *value, bool is_critical)
{
    CHECK(X509_add1_ext_i2d(certificate, number, value, is_critical, X509V3_ADD_DEFAULT) == 1);
}

/*
 * The one name, as a value of its own type. Built from a text in OpenSSL's configuration syntax,
 * a comma in the name would start another one.
 */
static void add_name(X509 *certificate, const struct host_name *name)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *entry = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    CHECK(names && entry && text);
    CHECK(ASN1_STRING_set(text, name->text, name->length) == 1);
    GENERAL_NAME_set0_value(entry, GEN_DNS, text);
    CHECK(sk_GENERAL_NAME_push(names, entry) == 1);
    /* Critical where the subject is empty (RFC 5280 section 4.2.1.6). */
    add_extension(certificate, NID_subject_alt_name, names, name->length > LEAF_COMMON_NAME_MAX);
    GENERAL_NAMES_free(names);
}

static void add_usage(X509 *certificate)
{
    EXTENDED_KEY_USAGE *usages = EXTENDED_KEY_USAGE_new();
    CHECK(usages && sk_ASN1_OBJECT_push(usages, OBJ_nid2obj(NID_server_auth)) == 1);
    add_extension(certificate, NID_ext_key_usage, usages, false);
    EXTENDED_KEY_USAGE_free(usages);
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    CHECK(bits && ASN1_BIT_STRING_set_bit(bits, 0, 1) == 1); /* digitalSignature */
    add_extension(certificate, NID_key_usage, bits, true);
    ASN1_BIT_STRING_free(bits);
    BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
    CHECK(constraints != NULL);
    add_extension(certificate, NID_basic_constraints, constraints, true);
    BASIC_CONSTRAINTS_free(constraints);
}

static void add_key_ids(const struct leaf_cache *cache, X509 *certificate)
{
    add_extension(certificate, NID_subject_key_identifier, cache->key_id, false);
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    CHECK(authority != NULL);
    authority->keyid = ASN1_OCTET_STRING_dup(cache->authority_id);
    CHECK(authority->keyid != NULL);
    add_extension(certificate, NID_authority_key_identifier, authority, false);
    AUTHORITY_KEYID_free(authority);
}

static void set_serial(X509 *certificate)
{
    uint8_t bytes[LEAF_SERIAL_BYTES];
    CHECK(RAND_bytes(bytes, sizeof(bytes)) == 1);
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive and of full length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    CHECK(number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)));
    BN_free(number);
}

static X509 *mint(struct leaf_cache *cache, const struct host_name *name, int64_t now_s)
{
    X509 *certificate = X509_new();
    CHECK(certificate && X509_set_version(certificate, X509_VERSION_3) == 1);
    set_serial(certificate);
    CHECK(X509_set_issuer_name(certificate, X509_get_subject_name(cache->authority)) == 1);
    time_t now = (time_t)now_s;
    CHECK(X509_time_adj_ex(X509_getm_notBefore(certificate), 0, -LEAF_BEFORE_S, &now));
    CHECK(X509_time_adj_ex(X509_getm_notAfter(certificate), 0, LEAF_AFTER_S, &now));
    if (name->length <= LEAF_COMMON_NAME_MAX)
        CHECK(X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                         MBSTRING_ASC, (const uint8_t *)name->text, name->length,
                                         -1, 0) == 1);
    CHECK(X509_set_pubkey(certificate, cache->key) == 1);
    add_name(certificate, name);
    add_usage(certificate);
    add_key_ids(cache, certificate);
    CHECK(X509_sign(certificate, cache->authority_key, cache->digest) > 0);
    cache->minted++;
    return certificate;
}

/* --- the cache ------------------------------------------------------------------------------ */

/* Exact names and patterns share no place: a storm under a wildcard denies no exact name. */
static struct leaf_rate *rate_of(struct leaf_cache *cache, const struct host_name *name,
                                 struct bytes rule)
{
    size_t length = host_name_bytes(name).length;
    bool is_exact = bytes_equal(bytes_first(rule, length), host_name_bytes(name));
    return &cache->rates[is_exact][bytes_hash(rule) % LEAF_RATES];
}

static bool take_allowance(struct leaf_rate *rate, int64_t now_s)
{
    int64_t passed_s = now_s - rate->second;
    if (rate->second == 0 || passed_s < 0 || passed_s >= LEAF_BURST / LEAF_PER_SECOND) {
        rate->left = LEAF_BURST;
    } else {
        unsigned left = rate->left + (unsigned)passed_s * LEAF_PER_SECOND;
        rate->left = left < LEAF_BURST ? left : LEAF_BURST;
    }
    rate->second = now_s;
    if (rate->left == 0)
        return false;
    rate->left--;
    return true;
}

static struct leaf *find(struct leaf_cache *cache, const struct host_name *name, size_t bucket)
{
    struct leaf *leaf;
    TAILQ_FOREACH(leaf, &cache->buckets[bucket], bucket_link)
    if (host_name_equal(&leaf->name, name))
        return leaf;
    return NULL;
}

struct x509_st *leaf_cache_get(struct leaf_cache *cache, const struct host_name *name,
                               struct bytes rule, int64_t now_s)
{
    size_t bucket = bytes_hash(host_name_bytes(name)) % LEAF_BUCKETS;
    struct leaf *leaf = find(cache, name, bucket);
    int64_t oldest_s = now_s + LEAF_AFTER_S - LEAF_RENEW_S;
    /* A clock that was set back makes a certificate that is not valid yet: also renewed. */
    if (leaf && now_s < leaf->renew_at_s && leaf->renew_at_s <= oldest_s + LEAF_BEFORE_S) {
        TAILQ_REMOVE(&cache->ages, leaf, age_link);
        TAILQ_INSERT_TAIL(&cache->ages, leaf, age_link);
        return leaf->certificate;
    }
    if (!take_allowance(rate_of(cache, name, rule), now_s))
        return NULL;
    if (leaf)
        forget(cache, leaf);
    if (cache->count == LEAF_CACHE_MAX)
        forget(cache, TAILQ_FIRST(&cache->ages));
    leaf = memory_new(sizeof(*leaf));
    leaf->name = *name;
    leaf->bucket = bucket;
    leaf->renew_at_s = oldest_s;
    leaf->certificate = mint(cache, name, now_s);
    TAILQ_INSERT_HEAD(&cache->buckets[bucket], leaf, bucket_link);
    TAILQ_INSERT_TAIL(&cache->ages, leaf, age_link);
    cache->count++;
    return leaf->certificate;
}
