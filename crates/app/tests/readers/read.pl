# What Perl's MIME::Parser shows of each file in a folder.
use strict;
use warnings;
use MIME::Parser;
use MIME::WordDecoder;

my $folder = shift;
opendir(my $listing, $folder) or die;
for my $name (sort grep { -f "$folder/$_" } readdir $listing) {
    my $parser = MIME::Parser->new;
    $parser->output_to_core(1);
    $parser->tmp_to_core(1);
    my $root = eval { $parser->parse_open("$folder/$name") };
    print "== $name perl\n";
    show($root) if $root;
}

sub show {
    my ($part) = @_;
    my @shown = ($part->head->as_string, $part->head->recommended_filename // '', $part->mime_type);
    push @shown, join('', @{ $part->preamble // [] }), join('', @{ $part->epilogue // [] });
    push @shown, $part->bodyhandle->as_string if $part->bodyhandle;
    for my $text (@shown) {
        print "| $_\n" for split /\r?\n|\r/, $text;
    }
    show($_) for $part->parts;
}
