//! Resolves addresses to a list and sub-address, and envelope senders to a source.

use sealist_lists::model::{AddressReading, ListNo, MailingList, ReservedLocal, SubAddress};
use sealist_mail::Address;

use crate::bounce_address;
use crate::site::App;

/// Whether an address is any form of that sub-address of that list.
pub(crate) fn is_address_of(
    app: &App,
    list: &MailingList,
    sub_address: SubAddress,
    address: &Address,
) -> bool {
    let host = list.name.mail_host();
    let below = named_below(app, address).is_some_and(|(no, below, _)| no == list.no && below == sub_address);
    below && address.ascii_domain() == host
        || AddressReading::readings(address)
            .iter()
            .any(|reading| reading.list == list.name && reading.sub_address == sub_address)
}

/// The list, the sub-address and the handle that an address below a reserved local part names, if it is one.
pub(crate) fn named_below<'a>(app: &App, address: &'a Address) -> Option<(ListNo, SubAddress, &'a str)> {
    let (reserved, detail) = ReservedLocal::read(address)?;
    match reserved {
        ReservedLocal::Bounces => {
            Some((bounce_address::list_of(app.vault.mac(), detail)?, SubAddress::Bounces, detail))
        }
        ReservedLocal::Confirm => {
            let (number, token) = detail.split_once('.')?;
            Some((ListNo(number.parse().ok()?), SubAddress::Confirm, token))
        }
    }
}

/// The number of a source: all envelope senders of one domain share turns and limits.
pub(crate) fn source_of(app: &App, sender: &str) -> u16 {
    app.vault.mac().source(sender.rsplit_once('@').map_or("", |(_, domain)| domain))
}
