//! Handler `rfc-2369`: reads `description`, `allow_list_posts`. Adds List-Id ([RFC 2919]) and the List-*
//! fields ([RFC 2369]).

use sealist_mail::list_headers::{self, ListFields, Posting};

use crate::draft::PostDraft;
use crate::model::SubAddress;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    let name = &draft.list.name;
    let settings = &draft.list.settings;
    let fields = ListFields {
        list_id: &name.list_id(),
        description: &settings.description,
        posting: if settings.allow_list_posts { Posting::Open(name.posting()) } else { Posting::Closed },
        request: name.address(SubAddress::Request),
        owner: name.address(SubAddress::Owner),
        join: name.address(SubAddress::Join),
        leave: name.address(SubAddress::Leave),
        archive_url: None,
    };
    for field in list_headers::fields(&fields) {
        draft.headers.push(field);
    }
}
