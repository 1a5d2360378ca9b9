//! Collections in pages, with the size of the whole.

use std::ops::Range;

use serde::Serialize;

/// Which part of a collection is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRange {
    /// How many entries stand before the first one that is asked for.
    pub start: usize,
    /// How many entries are asked for at most.
    pub count: usize,
}

impl PageRange {
    /// All of a collection.
    pub const ALL: Self = Self { start: 0, count: usize::MAX };

    /// Whether any of those places in the collection are asked for.
    pub(crate) fn overlaps(self, places: Range<usize>) -> bool {
        let end = self.start.saturating_add(self.count);
        places.start.max(self.start) < places.end.min(end)
    }
}

/// A part of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paged<T> {
    /// How many entries stand before the first of these.
    pub start: usize,
    /// How many entries the whole collection has.
    pub total: usize,
    /// The entries of this page.
    pub entries: Vec<T>,
}

impl<T> Paged<T> {
    /// That page of a whole collection.
    pub fn of(all: Vec<T>, page: PageRange) -> Self {
        let total = all.len();
        Self {
            start: page.start,
            total,
            entries: all.into_iter().skip(page.start).take(page.count).collect(),
        }
    }

    /// The same page with each entry seen in another way.
    pub fn map<V>(self, view: impl FnMut(T) -> V) -> Paged<V> {
        let Self { start, total, entries } = self;
        Paged { start, total, entries: entries.into_iter().map(view).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_it_stands_and_how_many_there_are() {
        fn check(start: usize, count: usize, expected: &[u32]) {
            let paged = Paged::of(vec![1, 2, 3, 4, 5], PageRange { start, count });
            assert_eq!((paged.start, paged.total, paged.entries.as_slice()), (start, 5, expected));
        }
        check(0, 2, &[1, 2]);
        check(4, 2, &[5]);
        check(5, 2, &[]);
        check(9, usize::MAX, &[]);
        check(0, usize::MAX, &[1, 2, 3, 4, 5]);
        check(1, 0, &[]);
    }

    #[test]
    fn a_page_overlaps_what_it_has_entries_of() {
        for (start, count) in [(0, 2), (1, 3), (4, 1), (5, 2), (2, 0), (0, usize::MAX), (3, usize::MAX)] {
            let page = PageRange { start, count };
            for places in [0..1, 0..5, 1..3, 2..2, 4..5, 5..9] {
                let entries = Paged::of((0..9).collect(), page).entries;
                let has = places.clone().any(|place| entries.contains(&place));
                assert_eq!(page.overlaps(places.clone()), has, "{page:?} {places:?}");
            }
        }
    }
}
