//! Handler `rfc-2369`: reads `description`, `allow_list_posts`. Adds List-Id ([RFC 2919]) and the List-*
//! fields ([RFC 2369]).

use sealist_mail::list_headers::{self, ListFields, Posting};

use crate::draft::Draft;
use crate::model::Door;

pub(super) fn apply(draft: &mut Draft<'_>) {
    let name = &draft.list.name;
    let settings = &draft.list.settings;
    let fields = ListFields {
        list_id: &name.list_id(),
        description: &settings.description,
        posting: if settings.allow_list_posts { Posting::Open(name.posting()) } else { Posting::Closed },
        request: name.address(Door::Request),
        owner: name.address(Door::Owner),
        join: name.address(Door::Join),
        leave: name.address(Door::Leave),
        archive_url: None,
    };
    for field in list_headers::fields(&fields) {
        draft.headers.push(field);
    }
}
