#include "test.h"

#include "firewall/leaf_cache.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

static const int64_t now_s = 1800000000;

struct authority {
    char certificate[4096];
    char key[4096];
    X509 *x509;
};

static void write_pem(BIO *from, char *into, size_t size)
{
    int length = BIO_read(from, into, (int)size - 1);
    assert_true(length > 0);
    into[length] = '\0';
    BIO_free(from);
}

static void make_authority(struct authority *authority, bool is_authority)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_NAME_add_entry_by_NID(X509_get_subject_name(x509), NID_commonName, MBSTRING_ASC,
                               (const uint8_t *)"test authority", -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    time_t now = (time_t)now_s;
    X509_time_adj_ex(X509_getm_notBefore(x509), -1, 0, &now);
    X509_time_adj_ex(X509_getm_notAfter(x509), 3650, 0, &now);
    X509_set_pubkey(x509, key);
    BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
    constraints->ca = is_authority ? 0xff : 0;
    if (is_authority) {
        constraints->pathlen = ASN1_INTEGER_new();
        ASN1_INTEGER_set(constraints->pathlen, 0);
    }
    X509_add1_ext_i2d(x509, NID_basic_constraints, constraints, 1, 0);
    BASIC_CONSTRAINTS_free(constraints);
    assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, x509);
    write_pem(out, authority->certificate, sizeof(authority->certificate));
    out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    write_pem(out, authority->key, sizeof(authority->key));
    authority->x509 = x509;
    EVP_PKEY_free(key);
}

static struct leaf_cache *new_cache(const struct authority *authority)
{
    struct leaf_cache *cache = NULL;
    struct error error;
    if (!leaf_cache_new(bytes_from_text(authority->certificate), bytes_from_text(authority->key),
                        &cache, &error))
        fail_msg("%s", error.text);
    return cache;
}

static struct host_name name_of(const char *text)
{
    struct host_name name;
    assert_int_equal(host_name_parse(bytes_from_text(text), &name), HOST_NAME_FINE);
    return name;
}

static X509 *leaf_of(struct leaf_cache *cache, const char *text, int64_t at_s)
{
    struct host_name name = name_of(text);
    return leaf_cache_get(cache, &name, BYTES_LITERAL("*.example.com"), at_s);
}

static void refuses_a_certificate_that_is_no_authority(void **state)
{
    struct authority authority;
    make_authority(&authority, false);
    struct leaf_cache *cache = NULL;
    struct error error;
    assert_false(leaf_cache_new(bytes_from_text(authority.certificate),
                                bytes_from_text(authority.key), &cache, &error));
    assert_non_null(strstr(error.text, "authority"));
    X509_free(authority.x509);
}

static void refuses_a_key_of_another_authority(void **state)
{
    struct authority one;
    struct authority other;
    make_authority(&one, true);
    make_authority(&other, true);
    struct leaf_cache *cache = NULL;
    struct error error;
    assert_false(leaf_cache_new(bytes_from_text(one.certificate), bytes_from_text(other.key),
                                &cache, &error));
    assert_non_null(strstr(error.text, "does not fit"));
    assert_false(
        leaf_cache_new(BYTES_LITERAL("nothing"), bytes_from_text(one.key), &cache, &error));
    assert_false(
        leaf_cache_new(bytes_from_text(one.certificate), BYTES_LITERAL("nothing"), &cache, &error));
    X509_free(one.x509);
    X509_free(other.x509);
}

static void a_leaf_names_exactly_one_host(void **state)
{
    struct authority authority;
    make_authority(&authority, true);
    struct leaf_cache *cache = new_cache(&authority);
    X509 *leaf = leaf_of(cache, "a.example.com", now_s);
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    assert_int_equal(sk_GENERAL_NAME_num(names), 1);
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
    assert_int_equal(name->type, GEN_DNS);
    struct bytes text = {ASN1_STRING_get0_data(name->d.dNSName),
                         (size_t)ASN1_STRING_length(name->d.dNSName)};
    assert_bytes(text, "a.example.com");
    GENERAL_NAMES_free(names);
    assert_int_equal(X509_check_host(leaf, "a.example.com", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(leaf, "b.example.com", 0, 0, NULL), 0);
    leaf_cache_free(cache);
    X509_free(authority.x509);
}

static void a_name_too_long_for_the_subject_is_in_a_critical_extension(void **state)
{
    struct authority authority;
    make_authority(&authority, true);
    struct leaf_cache *cache = new_cache(&authority);
    char text[200];
    memset(text, 'a', 60);
    memcpy(text + 60, ".bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.example.com", 46);
    X509 *leaf = leaf_of(cache, text, now_s);
    int critical = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, &critical, NULL);
    assert_int_equal(critical, 1);
    GENERAL_NAMES_free(names);
    assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(leaf)), 0);
    leaf_cache_free(cache);
    X509_free(authority.x509);
}

static void a_leaf_is_valid_for_a_week_and_from_a_day_before(void **state)
{
    struct authority authority;
    make_authority(&authority, true);
    struct leaf_cache *cache = new_cache(&authority);
    X509 *leaf = leaf_of(cache, "a.example.com", now_s);
    time_t before = (time_t)(now_s - LEAF_BEFORE_S);
    time_t after = (time_t)(now_s + LEAF_AFTER_S);
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(leaf), before), 0);
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(leaf), after), 0);
    leaf_cache_free(cache);
    X509_free(authority.x509);
}

static void a_leaf_is_signed_by_the_authority_and_is_none_itself(void **state)
{
    struct authority authority;
    make_authority(&authority, true);
    struct leaf_cache *cache = new_cache(&authority);
    X509 *leaf = leaf_of(cache, "a.example.com", now_s);
    assert_int_equal(X509_verify(leaf, X509_get0_pubkey(authority.x509)), 1);
    assert_int_equal(X509_check_ca(leaf), 0);
    assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
    assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
    assert_non_null(X509_get0_authority_key_id(leaf));
    X509_STORE *store = X509_STORE_new();
    X509_STORE_add_cert(store, authority.x509);
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE_CTX_init(context, store, leaf, NULL);
    X509_STORE_CTX_set_time(context, 0, (time_t)now_s);
    X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT);
    assert_int_equal(X509_get_pathlen(authority.x509), 0);
    X509_verify_cert(context);
    /* The authority made here has no key identifier, which strict verification asks of it. */
    int verdict = X509_STORE_CTX_get_error(context);
    assert_true(verdict == X509_V_OK || X509_STORE_CTX_get_error_depth(context) == 1);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    leaf_cache_free(cache);
    X509_free(authority.x509);
}

static void a_leaf_is_kept_and_renewed_on_its_last_day(void **state)
{
    struct authority authority;
    make_authority(&authority, true);
    struct leaf_cache *cache = new_cache(&authority);
    leaf_of(cache, "a.example.com", now_s);
    leaf_of(cache, "a.example.com", now_s + LEAF_AFTER_S - LEAF_RENEW_S - 1);
    assert_int_equal(leaf_cache_minted(cache), 1);
    leaf_of(cache, "a.example.com", now_s + LEAF_AFTER_S - LEAF_RENEW_S);
    assert_int_equal(leaf_cache_minted(cache), 2);
    leaf_cache_free(cache);
    X509_free(authority.x509);
}

static void a_storm_of_names_under_one_rule_is_stopped_and_another_rule_is_not(void **state)
{
    struct authority authority;
    make_authority(&authority, true);
    struct leaf_cache *cache = new_cache(&authority);
    char text[64];
    for (int i = 0; i < LEAF_BURST; i++) {
        snprintf(text, sizeof(text), "n%d.example.com", i);
        assert_non_null(leaf_of(cache, text, now_s));
    }
    assert_null(leaf_of(cache, "one-more.example.com", now_s));
    assert_non_null(leaf_of(cache, "n1.example.com", now_s));
    struct host_name other = name_of("api.example.net");
    assert_non_null(leaf_cache_get(cache, &other, BYTES_LITERAL("api.example.net"), now_s));
    assert_non_null(leaf_of(cache, "one-more.example.com", now_s + 1));
    leaf_cache_free(cache);
    X509_free(authority.x509);
}

static void a_storm_under_a_wildcard_takes_nothing_from_exact_names(void **state)
{
    struct authority authority;
    make_authority(&authority, true);
    struct leaf_cache *cache = new_cache(&authority);
    char text[64];
    for (int i = 0; i <= LEAF_BURST; i++) {
        snprintf(text, sizeof(text), "n%d.example.com", i);
        leaf_of(cache, text, now_s);
    }
    /* More rules than there are places for allowances: some would share one with the storm's. */
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "exact%d.example.net", i);
        struct host_name name = name_of(text);
        assert_non_null(leaf_cache_get(cache, &name, bytes_from_text(text), now_s));
    }
    leaf_cache_free(cache);
    X509_free(authority.x509);
}

static void the_least_recently_used_leaf_makes_room(void **state)
{
    struct authority authority;
    make_authority(&authority, true);
    struct leaf_cache *cache = new_cache(&authority);
    char text[64];
    int64_t at_s = now_s;
    leaf_of(cache, "kept.example.com", at_s);
    for (int i = 0; i < LEAF_CACHE_MAX; i++, at_s++) {
        snprintf(text, sizeof(text), "n%d.example.com", i);
        assert_non_null(leaf_of(cache, text, at_s));
        assert_non_null(leaf_of(cache, "kept.example.com", at_s));
    }
    uint64_t minted = leaf_cache_minted(cache);
    leaf_of(cache, "kept.example.com", at_s);
    assert_int_equal(leaf_cache_minted(cache), minted);
    leaf_of(cache, "n0.example.com", at_s);
    assert_int_equal(leaf_cache_minted(cache), minted + 1);
    leaf_cache_free(cache);
    X509_free(authority.x509);
}

RUN_TESTS(cmocka_unit_test(refuses_a_certificate_that_is_no_authority),
          cmocka_unit_test(refuses_a_key_of_another_authority),
          cmocka_unit_test(a_leaf_names_exactly_one_host),
          cmocka_unit_test(a_name_too_long_for_the_subject_is_in_a_critical_extension),
          cmocka_unit_test(a_leaf_is_valid_for_a_week_and_from_a_day_before),
          cmocka_unit_test(a_leaf_is_signed_by_the_authority_and_is_none_itself),
          cmocka_unit_test(a_leaf_is_kept_and_renewed_on_its_last_day),
          cmocka_unit_test(a_storm_of_names_under_one_rule_is_stopped_and_another_rule_is_not),
          cmocka_unit_test(a_storm_under_a_wildcard_takes_nothing_from_exact_names),
          cmocka_unit_test(the_least_recently_used_leaf_makes_room))
