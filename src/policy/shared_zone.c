#include "policy/shared_zone.h"

#include <string.h>

/*
 * Sorted by the bytes read from the end, so that all zones below a name stand together.
 * Single labels, and `co`, `com`, `org`... under a country code, are rules in the code below.
 */
/* clang-format off */
static const char *const zones[] = {
    "pp.ua", "web.za", "nom.za", "law.za", "ngrok.pizza", "tilde.club", "rf.gd", "web.id",
    "thedev.id", "my.id", "clickhouse.cloud", "appdomain.cloud", "cockroachlabs.cloud",
    "confluent.cloud", "scw.cloud", "s3.fr-par.scw.cloud", "functions.fnc.fr-par.scw.cloud",
    "convex.cloud", "huggingface.space", "hf.space", "your-server.de", "clients.your-server.de",
    "lhr.life", "codeberg.page", "pagekite.me", "glitch.me", "lvh.me", "traefik.me",
    "localtunnel.me", "oast.me", "localtest.me", "synology.me", "oast.online", "com.se",
    "webhook.site", "notion.site", "super.site", "srht.site", "oast.site", "convex.site",
    "fury.site", "framer.website", "gradio.live", "oast.live", "playit.gg", "endpoints.cloud.goog",
    "translate.goog", "usercontent.goog", "cdn77.org", "altervista.org", "za.org", "tor2web.org",
    "afraid.org", "mailgun.org", "zapto.org", "hopto.org", "no-ip.org", "myftp.org",
    "neocities.org", "js.org", "freeddns.org", "duckdns.org", "dyndns.org", "webredirect.org",
    "eu.org", "neon.tech", "xata.sh", "surge.sh", "interact.sh", "now.sh", "framer.ai", "idv.hk",
    "dweb.link", "ipfs.dweb.link", "ipns.dweb.link", "nftstorage.link", "w3s.link",
    "a.free.pinggy.link", "plc.uk", "ltd.uk", "police.uk", "me.uk", "sch.uk", "nhs.uk",
    "appwrite.global", "bore.digital", "cloudns.cl", "co.nl", "waw.pl", "auth0.com", "us.auth0.com",
    "eu.auth0.com", "backblazeb2.com", "africa.com", "sa.com", "okta.com", "za.com", "gb.com",
    "qc.com", "wpenginepowered.com", "readthedocs-hosted.com", "elastic-cloud.com",
    "objectstorage.oraclecloud.com", "aivencloud.com", "myqnapcloud.com", "myqcloud.com",
    "rediscloud.com", "boxcloud.com", "squarespace.com", "force.com", "salesforce.com",
    "my.salesforce.com", "de.com", "googlecode.com", "members.linode.com",
    "r2.cloudflarestorage.com", "planetscale.com", "wpengine.com", "uploadcare.com",
    "trycloudflare.com", "pythonanywhere.com", "eu.pythonanywhere.com", "logic.azure.com",
    "openai.azure.com", "cloudapp.azure.com", "cognitiveservices.azure.com", "documents.azure.com",
    "site.com", "jimdosite.com", "wixsite.com", "giize.com", "wpcomstaging.com",
    "snowflakecomputing.com", "mongodbstitch.com", "customer-oci.com", "slack.com", "substack.com",
    "hookdeck.com", "elasticbeanstalk.com", "{aws-region}.elasticbeanstalk.com", "freshdesk.com",
    "zendesk.com", "uk.com", "{aws-region}.cs.amazonlightsail.com", "herokussl.com",
    "cloudflarestream.com", "asuscomm.com", "typeform.com", "medium.com", "cn.com", "ucarecdn.com",
    "stackpathcdn.com", "rackcdn.com", "qiniucdn.com", "kxcdn.com", "jpn.com", "upyun.com",
    "co.com", "visualstudio.com", "firebaseio.com", "myportfolio.com", "dnsdojo.com", "no.com",
    "mooo.com", "auth.{aws-region}.amazoncognito.com", "no-ip.com", "selfip.com",
    "infinityfreeapp.com", "firebaseapp.com", "streamlitapp.com", "000webhostapp.com",
    "herokuapp.com", "amplifyapp.com", "codeanyapp.com", "br.com", "hubspotpagebuilder.com",
    "onrender.com", "servebeer.com", "requestcatcher.com", "chickenkiller.com", "awsapprunner.com",
    "{aws-region}.awsapprunner.com", "packetriver.com", "kr.com", "tumblr.com",
    "awsglobalaccelerator.com", "beeceptor.com", "free.beeceptor.com", "redislabs.com",
    "aliyuncs.com", "w3spaces.com", "digitaloceanspaces.com", "salesforce-sites.com",
    "cloudflare-ipfs.com", "cf-ipfs.com", "storage.googleapis.com",
    "commondatastorage.googleapis.com", "databricks.com", "cloud.databricks.com",
    "powerappsportals.com", "herokudns.com", "myjetbrains.com", "bcebos.com", "oraclecloudapps.com",
    "awsapps.com", "cloudflareaccess.com", "wordpress.com", "linodeobjects.com", "vultrobjects.com",
    "us.com", "compute-1.amazonaws.com", "s3-external-1.amazonaws.com", "s3.amazonaws.com",
    "elb.amazonaws.com", "{aws-region}.elb.amazonaws.com", "vpce.amazonaws.com",
    "{aws-region}.vpce.amazonaws.com", "s3-accelerate.amazonaws.com", "compute.amazonaws.com",
    "{aws-region}.compute.amazonaws.com", "s3-accelerate.dualstack.amazonaws.com",
    "s3-global.amazonaws.com", "rds.amazonaws.com", "{aws-region}.rds.amazonaws.com",
    "{aws-region}.es.amazonaws.com", "{aws-region}.aoss.amazonaws.com",
    "s3-{aws-region}.amazonaws.com", "s3-website-{aws-region}.amazonaws.com",
    "s3.{aws-region}.amazonaws.com", "cloud9.{aws-region}.amazonaws.com",
    "s3-object-lambda.{aws-region}.amazonaws.com", "elb.{aws-region}.amazonaws.com",
    "mediastore.{aws-region}.amazonaws.com", "s3-website.{aws-region}.amazonaws.com",
    "appsync-api.{aws-region}.amazonaws.com", "execute-api.{aws-region}.amazonaws.com",
    "s3.dualstack.{aws-region}.amazonaws.com",
    "s3-accesspoint.dualstack.{aws-region}.amazonaws.com",
    "kinesisvideo.{aws-region}.amazonaws.com", "dkr.ecr.{aws-region}.amazonaws.com",
    "transfer.{aws-region}.amazonaws.com", "s3-accesspoint.{aws-region}.amazonaws.com",
    "iot.{aws-region}.amazonaws.com", "discordsays.com", "wasabisys.com", "s3.wasabisys.com",
    "onmicrosoft.com", "it.com", "cloudant.com", "filestackcontent.com", "githubusercontent.com",
    "ip.linodeusercontent.com", "googleusercontent.com", "bc.googleusercontent.com",
    "script.googleusercontent.com", "dropboxusercontent.com", "sharepoint.com", "codespot.com",
    "blogspot.com", "appspot.com", "byethost.com", "eu.com", "ru.com", "shopifypreview.com",
    "webflow.com", "service-now.com", "wix.com", "myshopify.com", "oastify.com", "weebly.com",
    "strikingly.com", "cloudinary.com", "gemfury.com", "epizy.com", "dnslog.cn",
    "s3.{aws-region}.amazonaws.com.cn", "hookb.in", "ind.in", "supabase.in", "firm.in", "gen.in",
    "co.in", "res.in", "oast.fun", "modal.run", "val.run", "web.val.run", "localhost.run",
    "nhost.run", "bunny.run", "tinybird.co", "carrd.co", "supabase.co", "repl.co", "id.repl.co",
    "nom.co", "gitlab.io", "42web.io", "github.io", "desec.io", "found.io", "gitpod.io",
    "ws.gitpod.io", "statuspage.io", "sourceforge.io", "readme.io", "ceye.io", "jfrog.io",
    "upstash.io", "cloudsmith.io", "mockapi.io", "gitbook.io", "ngrok.io", "in.ngrok.io",
    "au.ngrok.io", "eu.ngrok.io", "zrok.io", "share.zrok.io", "twil.io", "dedyn.io", "turso.io",
    "sslip.io", "nip.io", "xip.io", "back4app.io", "azurecr.io", "webcontainer.io",
    "azurecontainer.io", "readthedocs.io", "es.io", "ipfs.io", "bubbleapps.io",
    "azurecontainerapps.io", "bitbucket.io", "telebit.io", "ghost.io", "webflow.io",
    "codesandbox.io", "pinggy.io", "a.pinggy.io", "sentry.io", "ingest.de.sentry.io",
    "ingest.us.sentry.io", "ingest.sentry.io", "stackblitz.io", "ngrok.pro", "oast.pro", "onion.to",
    "us.to", "osaka.jp", "ad.jp", "ed.jp", "lg.jp", "kyoto.jp", "tokyo.jp", "gr.jp", "v0.app",
    "hasura.app", "web.app", "koyeb.app", "csb.app", "hosted.app", "4everland.app",
    "ngrok-free.app", "lovable.app", "firebasedatabase.app", "edgecompute.app", "ngrok.app",
    "vercel.app", "ondigitalocean.app", "run.app", "a.run.app", "gradio.app", "framer.app",
    "softr.app", "backendless.app", "streamlit.app", "replit.app", "railway.app", "up.railway.app",
    "netlify.app", "ind.br", "blog.br", "eco.br", "esp.br", "tur.br", "art.br", "adv.br", "free.fr",
    "presse.fr", "tm.fr", "asso.fr", "pe.kr", "re.kr", "seoul.kr", "busan.kr", "nom.es",
    "lhr.rocks", "devtunnels.ms", "onion.ws", "lightsail.aws", "on.aws",
    "lambda-url.{aws-region}.on.aws", "studio.{aws-region}.sagemaker.aws", "priv.at", "dynv6.net",
    "za.net", "mongodb.net", "gb.net", "fastlylb.net", "akamaized.net", "azurefd.net",
    "akamaihd.net", "sendgrid.net", "azureedge.net", "sourceforge.net", "tailscale.net",
    "beta.tailscale.net", "azure-mobile.net", "tunnelmole.net", "cdn.cloudflare.net",
    "vault.azure.net", "se.net", "edgesuite.net", "arweave.net", "ovh.net", "cloud.ovh.net",
    "hosting.ovh.net", "azure-api.net", "uk.net", "pipedream.net", "m.pipedream.net",
    "atlassian.net", "b-cdn.net", "azioncdn.net", "in.net", "requestbin.net", "serveo.net",
    "localto.net", "homeip.net", "jp.net", "cloudapp.net", "edgeapp.net", "trafficmanager.net",
    "burpcollaborator.net", "azure-devices.net", "azurewebsites.net", "sytes.net",
    "azuredatabricks.net", "ddns.net", "cloudns.net", "cloudfunctions.net", "azurestaticapps.net",
    "ts.net", "redis.cache.windows.net", "web.core.windows.net", "blob.core.windows.net",
    "table.core.windows.net", "file.core.windows.net", "queue.core.windows.net",
    "dfs.core.windows.net", "database.windows.net", "search.windows.net", "servicebus.windows.net",
    "azurehdinsight.net", "cloudfront.net", "hu.net", "dynu.net", "atlassian-dev.net", "imgix.net",
    "mybluemix.net", "edgekey.net", "fastly.net", "global.ssl.fastly.net", "map.fastly.net",
    "imagedelivery.net", "loca.lt", "bolt.host", "id.au", "asn.au", "spb.ru", "msk.ru", "r2.dev",
    "is-a.dev", "github.dev", "app.github.dev", "ngrok-free.dev", "pkg.dev", "ngrok.dev",
    "vercel.dev", "cloudshell.dev", "deno.dev", "pages.dev", "workers.dev", "replit.dev",
    "githubpreview.dev", "gateway.dev", "fly.dev", "club.tw", "game.tw", "idv.tw", "ebiz.tw",
    "onion.ly", "no-ip.biz", "myftp.biz", "maori.nz", "iwi.nz", "kiwi.nz", "geek.nz", "school.nz",
    "gen.nz",
};
/* clang-format on */

enum { ZONE_COUNT = sizeof(zones) / sizeof(zones[0]) };

/* Reserved: nobody can register below them (RFC 6761, RFC 6762, ICANN's `internal`). */
static const char *const reserved_tops[] = {"example", "internal",  "invalid",
                                            "local",   "localhost", "test"};

/* Second-level labels under which a country's registry sells names. */
static const char *const registry_labels[] = {"ac",  "co",  "com", "edu", "go",  "gob", "gouv",
                                              "gov", "mil", "ne",  "net", "nom", "or",  "org"};

static bool is_listed(struct bytes label, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal_text(label, list[i]))
            return true;
    return false;
}

/* Order of two texts read from the end. */
static int compare_from_end(struct bytes a, struct bytes b)
{
    size_t shared = a.length < b.length ? a.length : b.length;
    for (size_t i = 1; i <= shared; i++) {
        uint8_t of_a = a.data[a.length - i];
        uint8_t of_b = b.data[b.length - i];
        if (of_a != of_b)
            return of_a < of_b ? -1 : 1;
    }
    return a.length == b.length ? 0 : a.length < b.length ? -1 : 1;
}

/* Index of the first zone that is not before `name`. */
static size_t lower_bound(struct bytes name)
{
    size_t low = 0;
    size_t high = ZONE_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_from_end(bytes_from_text(zones[middle]), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A registry's own zone: one label, or `co.uk` and the like. */
static bool is_registry(struct bytes base)
{
    size_t dot = bytes_index_of(base, '.');
    if (dot == base.length)
        return !is_listed(base, reserved_tops, sizeof(reserved_tops) / sizeof(*reserved_tops));
    struct bytes top = bytes_from(base, dot + 1);
    return top.length == 2 && is_listed(bytes_first(base, dot), registry_labels,
                                        sizeof(registry_labels) / sizeof(*registry_labels));
}

/* Strangers can register LABEL.base. */
static bool is_zone(struct bytes base)
{
    if (is_registry(base))
        return true;
    size_t index = lower_bound(base);
    return index < ZONE_COUNT && bytes_equal_text(base, zones[index]);
}

/* Some zone lies below base; `*zone` is one. */
static bool has_zone_below(struct bytes base, struct bytes *zone)
{
    for (size_t i = lower_bound(base); i < ZONE_COUNT; i++) {
        struct bytes candidate = bytes_from_text(zones[i]);
        if (!bytes_end_with(candidate, base))
            return false;
        if (candidate.length > base.length &&
            candidate.data[candidate.length - base.length - 1] == '.') {
            *zone = candidate;
            return true;
        }
    }
    return false;
}

struct generic_name {
    char text[HOST_NAME_LENGTH_MAX + 64];
    size_t length;
};

static bool append(struct generic_name *name, struct bytes piece)
{
    if (piece.length > sizeof(name->text) - name->length)
        return false;
    if (piece.length)
        memcpy(name->text + name->length, piece.data, piece.length);
    name->length += piece.length;
    return true;
}

/* Regions become {aws-region}, as the table has them; also in `s3-us-west-2`. */
static bool append_generic_label(struct generic_name *name, struct bytes label)
{
    static const char *const prefixes[] = {"", "s3-website-", "s3-"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        struct bytes prefix = bytes_from_text(prefixes[i]);
        struct bytes region = bytes_from(label, prefix.length);
        if (bytes_start_with(label, prefix) && pattern_is_aws_region(region))
            return append(name, prefix) && append(name, BYTES_LITERAL("{aws-region}"));
    }
    return append(name, label);
}

/* Too long a name is in no table: left as it is. */
static struct bytes make_generic(struct generic_name *name, struct bytes base)
{
    struct bytes rest = base;
    struct bytes label;
    name->length = 0;
    while (bytes_next_token(&rest, '.', &label)) {
        if (!append_generic_label(name, label) || (rest.data && !append(name, BYTES_LITERAL("."))))
            return base;
    }
    return (struct bytes){(uint8_t *)name->text, name->length};
}

bool shared_zone_is_matched(const struct pattern *pattern, struct bytes *zone)
{
    static const char hole[] = "{aws-region}.";
    struct generic_name generic;
    struct bytes base = make_generic(&generic, pattern_base(pattern));
    if (pattern->kind != PATTERN_EXACT && is_zone(base)) {
        *zone = pattern_base(pattern);
        return true;
    }
    if (pattern->kind == PATTERN_ANY_LABELS && has_zone_below(base, zone))
        return true;
    if (!pattern->has_hole)
        return false;
    /* A written hole is a wildcard too, for names of the form of a region. */
    struct bytes rest = pattern_base(pattern);
    struct bytes label;
    while (bytes_next_token(&rest, '.', &label)) {
        if (label.length + 1 != sizeof(hole) - 1 || memcmp(label.data, hole, label.length) != 0 ||
            rest.data == NULL)
            continue;
        base = make_generic(&generic, rest);
        if (is_zone(base)) {
            *zone = rest;
            return true;
        }
    }
    return false;
}
