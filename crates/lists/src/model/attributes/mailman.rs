//! All attributes that Mailman 3.3.10 gives a list in its REST interface, and what becomes of each here. The
//! table is rendered into `docs/mailman-attributes.md`.

use MailmanSupport::{Acts, Later, Never, Partly};

/// An attribute of Mailman's.
pub struct MailmanAttribute {
    /// Its name there.
    pub name: &'static str,
    /// What becomes of it.
    pub here: MailmanSupport,
}

/// What becomes of an attribute of Mailman's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailmanSupport {
    /// It acts, under this name.
    Acts(&'static str),
    /// It acts under this name, and something lacks.
    Partly(&'static str, &'static str),
    /// It comes later: with what, or what holds until then.
    Later(&'static str),
    /// It does not come: why.
    Never(&'static str),
}

const ANSWERS: &str = "with automatic answers of a list";
const COUNTERS: &str = "with the counters of a list";
const DIGESTS: &str = "with digests";
const FILTER: &str = "with the filter of contents";
const FROM_THE_LIST: &str =
    "each copy comes from the address of the list, so that no policy of an author's domain refuses the copy";
const NO_USENET: &str = "Sealist has no gateway to Usenet";
const PATTERNS: &str = "with patterns of addresses";
const RULES: &str = "with Mailman's other rules";

const fn row(name: &'static str, here: MailmanSupport) -> MailmanAttribute {
    MailmanAttribute { name, here }
}

/// All of them, by name.
pub const MAILMAN: &[MailmanAttribute] = &[
    row("accept_these_nonmembers", Later(PATTERNS)),
    row("acceptable_aliases", Later(PATTERNS)),
    row("admin_immed_notify", Acts("admin_immed_notify")),
    row("admin_notify_mchanges", Acts("admin_notify_mchanges")),
    row("administrivia", Later(RULES)),
    row("advertised", Later("with the pages that show lists")),
    row("allow_list_posts", Acts("allow_list_posts")),
    row("anonymous_list", Later("with further pipelines")),
    row(
        "archive_policy",
        Partly("archive", "the archive has no readers yet, so there is nobody to tell public from private"),
    ),
    row("archive_rendering_mode", Later("with the archive")),
    row("autorespond_owner", Later(ANSWERS)),
    row("autorespond_postings", Later(ANSWERS)),
    row("autorespond_requests", Later(ANSWERS)),
    row("autoresponse_grace_period", Later(ANSWERS)),
    row("autoresponse_owner_text", Later(ANSWERS)),
    row("autoresponse_postings_text", Later(ANSWERS)),
    row("autoresponse_request_text", Later(ANSWERS)),
    row("bounce_info_stale_after", Acts("bounce_info_stale_after_days")),
    row("bounce_notify_owner_on_bounce_increment", Later("owners hear of each bounce nowhere today")),
    row("bounce_notify_owner_on_disable", Later("owners always hear of it today")),
    row("bounce_notify_owner_on_removal", Later("nobody is removed after bounces today")),
    row("bounce_score_threshold", Acts("bounce_score_threshold")),
    row("bounce_you_are_disabled_warnings", Later("there are always three today")),
    row("bounce_you_are_disabled_warnings_interval", Later("it is always seven days today")),
    row("bounces_address", Acts("bounces_address")),
    row("collapse_alternatives", Later(FILTER)),
    row("convert_html_to_plaintext", Later(FILTER)),
    row("created_at", Later(COUNTERS)),
    row("default_member_action", Acts("default_member_action")),
    row("default_nonmember_action", Acts("default_nonmember_action")),
    row("description", Acts("description")),
    row("digest_last_sent_at", Later(DIGESTS)),
    row("digest_send_periodic", Later(DIGESTS)),
    row("digest_size_threshold", Later(DIGESTS)),
    row("digest_volume_frequency", Later(DIGESTS)),
    row("digests_enabled", Later(DIGESTS)),
    row("discard_these_nonmembers", Later(PATTERNS)),
    row("display_name", Acts("display_name")),
    row("dmarc_addresses", Never(FROM_THE_LIST)),
    row("dmarc_mitigate_action", Never(FROM_THE_LIST)),
    row("dmarc_mitigate_unconditionally", Never(FROM_THE_LIST)),
    row("dmarc_moderation_notice", Never(FROM_THE_LIST)),
    row("dmarc_wrapped_message_text", Never(FROM_THE_LIST)),
    row("emergency", Later(RULES)),
    row("filter_action", Later(FILTER)),
    row("filter_content", Later(FILTER)),
    row("filter_extensions", Later(FILTER)),
    row("filter_types", Later(FILTER)),
    row("first_strip_reply_to", Later("with the other values of reply_goes_to_list")),
    row("forward_unrecognized_bounces_to", Later("they always reach the owners today")),
    row("fqdn_listname", Acts("fqdn_listname")),
    row("gateway_to_mail", Never(NO_USENET)),
    row("gateway_to_news", Never(NO_USENET)),
    row("hold_these_nonmembers", Later(PATTERNS)),
    row("include_rfc2369_headers", Never("mail programs need these fields, so that every copy has them")),
    row("info", Later("with the pages that show lists")),
    row("join_address", Acts("join_address")),
    row("last_post_at", Later(COUNTERS)),
    row("leave_address", Acts("leave_address")),
    row("linked_newsgroup", Never(NO_USENET)),
    row("list_name", Acts("list_name")),
    row("mail_host", Acts("mail_host")),
    row("max_days_to_hold", Acts("max_days_to_hold")),
    row("max_message_size", Acts("max_message_kib")),
    row("max_num_recipients", Later(RULES)),
    row("member_roster_visibility", Acts("member_roster_visibility")),
    row(
        "moderator_password",
        Never(
            "a password in a message is read by whoever carries it; moderators answer with a token or a signature",
        ),
    ),
    row("newsgroup_moderation", Never(NO_USENET)),
    row("next_digest_number", Later(DIGESTS)),
    row("nntp_prefix_subject_too", Never(NO_USENET)),
    row("no_reply_address", Later("every notice takes an answer today")),
    row("owner_address", Acts("owner_address")),
    row("pass_extensions", Later(FILTER)),
    row("pass_types", Later(FILTER)),
    row("personalize", Partly("delivery", "only lists with OpenPGP have it; plain lists get it later")),
    row("post_id", Later(COUNTERS)),
    row("posting_address", Acts("posting_address")),
    row("posting_pipeline", Acts("posting_pipeline")),
    row("preferred_language", Acts("preferred_language")),
    row("process_bounces", Acts("process_bounces")),
    row("reject_these_nonmembers", Later(PATTERNS)),
    row(
        "reply_goes_to_list",
        Partly("reply_goes_to", "explicit_header and explicit_header_only come later, with reply_to_address"),
    ),
    row("reply_to_address", Later("with the other values of reply_goes_to_list")),
    row("request_address", Acts("request_address")),
    row("require_explicit_destination", Later(RULES)),
    row("respond_to_post_requests", Acts("respond_to_post_requests")),
    row("send_goodbye_message", Acts("send_goodbye_message")),
    row("send_welcome_message", Acts("send_welcome_message")),
    row("subject_prefix", Acts("subject_prefix")),
    row("subscription_policy", Acts("subscription_policy")),
    row("unsubscription_policy", Acts("unsubscription_policy")),
    row("usenet_watermark", Never(NO_USENET)),
    row("volume", Later(DIGESTS)),
];
