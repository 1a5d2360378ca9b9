# What Perl's MIME::Parser shows of messages.
#
# read.pl FOLDER   prints all that it shows of each file.
# read.pl          reads messages from standard input and answers each with a line, as read.py does.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use MIME::Parser;
use MIME::WordDecoder;

@ARGV ? show_all(shift) : serve();

sub parser {
    my $parser = MIME::Parser->new;
    $parser->output_to_core(1);
    $parser->tmp_to_core(1);
    return $parser;
}

sub show_all {
    my ($folder) = @_;
    opendir(my $listing, $folder) or die;
    for my $name (sort grep { -f "$folder/$_" } readdir $listing) {
        my $root = eval { parser()->parse_open("$folder/$name") };
        print "== $name perl\n";
        show($root) if $root;
    }
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

sub serve {
    $| = 1;
    binmode STDIN;
    while (defined(my $length = <STDIN>)) {
        read STDIN, (my $message), $length;
        my $root = eval { parser()->parse_data($message) };
        print join(', ', $root ? leaves($root) : ()), "\n";
    }
}

sub leaves {
    my ($part) = @_;
    if (my @parts = $part->parts) {
        my $is_signed = lc($part->mime_type) eq 'multipart/signed';
        shift @parts if $is_signed;
        return ($is_signed ? 'signed' : (), map { leaves($_) } @parts);
    }
    my $body = $part->bodyhandle ? $part->bodyhandle->as_string : '';
    $body =~ s/\r\n/\n/g;
    $body =~ s/\n+\z//;
    return lc($part->mime_type) . ' ' . substr(sha256_hex($body), 0, 16);
}
