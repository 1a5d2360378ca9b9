//! Which pages stay as they are, and which become files.

use super::page::is_tame;
use crate::content_type::ContentType;

fn check(html: &str, expected: bool) {
    assert_eq!(is_tame(html.as_bytes(), &ContentType::read(b"text/html; charset=utf-8")), expected, "{html}");
}

#[test]
fn what_mail_programs_write_is_tame() {
    check("", true);
    check("words &lt;b&gt; &amp; more > less", true);
    check(
        "<!DOCTYPE html><html><head><meta http-equiv=\"content-type\" content=\"text/html; charset=UTF-8\"></head>\r\n<body><p>Grüße<br></p><blockquote type=\"cite\" cite=\"mid:1@x.example\"><pre class=\"moz-quote-pre\" wrap=\"\">x</pre></blockquote></body></html>",
        true,
    );
    check("<html><head></head><body dir=\"auto\">x<div></div></body></html>", true);
    check(
        "<div dir=\"ltr\">Hi <b>all</b><br/><img src='cid:1@x' alt=\"logo.png\" width=10 height=20></div>",
        true,
    );
    check(
        "<body style=\"overflow-wrap: break-word; -webkit-nbsp-mode: space; line-break: after-white-space;\">x",
        true,
    );
    check("<span style='color: #ff0000; font-size:12px; font-family: \"Arial\", sans-serif'>x</span>", true);
    check(
        "<blockquote style=\"margin: 0px 0px 0px 0.8ex; border-left: 1px solid #ccc; padding-left:1ex\">x</blockquote>",
        true,
    );
    check(
        "<p style='margin-left: 40px; white-space: pre-wrap'><a moz-do-not-send=\"true\" href=\"https://x.example\">x</a></p>",
        true,
    );
    check(
        "<a href=\"https://x.example/?a=1&amp;b=2#c\" target=_blank>x</a><hr><font color=red size=+1>x</font>",
        true,
    );
}

#[test]
fn honest_pages_stay() {
    for html in [
        // Thunderbird
        "<!DOCTYPE html>\r\n<html>\r\n  <head>\r\n    <meta http-equiv=\"Content-Type\" content=\"text/html; charset=UTF-8\">\r\n  </head>\r\n  <body>\r\n    <div class=\"moz-cite-prefix\">On 1/1/24 10:00, Bart wrote:<br></div><blockquote type=\"cite\" cite=\"mid:1@x.example\"><meta http-equiv=\"content-type\" content=\"text/html; charset=UTF-8\"><p>x</p></blockquote><pre class=\"moz-signature\" cols=\"72\">-- \r\nAnne</pre></body>\r\n</html>",
        "<html><head><title></title></head><body><p><font color=\"#ff0000\" size=\"4\" face=\"Arial\">x</font> <span style=\"background-color: #ffff00;\">x</span> <font size=\"-1\">x</font></p></body></html>",
        "<ul><li>a<li>b</ul><p>a<p>b<dl><dt>c<dd>d</dl><table border=1 cellpadding=2 cellspacing=2 width=\"100%\"><tbody><tr><td valign=top>x<td>y<tr><td>z</tbody></table>",
        // Gmail
        "<div dir=\"ltr\"><div class=\"gmail_default\" style=\"font-family:arial,sans-serif;font-size:small;color:rgb(34,34,34)\">x</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, Bart &lt;<a href=\"mailto:b@x.example\">b@x.example</a>&gt; wrote:<br></div><blockquote class=\"gmail_quote\" style=\"margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204, 204, 204);padding-left:1ex\"><span style=\"font-size:12.8px;background-color:rgb(255,255,255)\">x</span></blockquote></div></div>",
        // Apple Mail
        "<html><head><meta http-equiv=\"content-type\" content=\"text/html; charset=utf-8\"></head><body style=\"overflow-wrap: break-word; -webkit-nbsp-mode: space; line-break: after-white-space;\">x<div><br><blockquote type=\"cite\"><div>On 1. Jan 2024, at 10:00, Bart wrote:</div><br class=\"Apple-interchange-newline\"><div><span style=\"font-size: 12px; font-style: normal;\">x</span></div></blockquote></div></body></html>",
        // Outlook
        "<div style=\"font-family: Calibri, Arial, Helvetica, sans-serif; font-size: 12pt; color: rgb(0, 0, 0); background-color: rgb(255, 255, 255);\" class=\"elementToProof\">x</div><p class=\"MsoNormal\" style=\"margin:0cm\"></p>",
        "<p class=MsoNormal><span lang=EN-US style='font-size:11.0pt;font-family:\"Calibri\",sans-serif;color:#1F497D'>x</span></p><hr size=2 width=\"98%\" align=center><blockquote style='margin-left:36.0pt;border-left:solid blue 1.5pt;padding:0 0 0 4.0pt'>x</blockquote>",
        // K-9
        "<!DOCTYPE html><html><body>x<br><div class=\"k9mail-signature\">-- <br>Anne</div><div class=\"gmail_quote\"><blockquote class=\"gmail_quote\" style=\"margin: 0pt 0pt 1ex 0.8ex; border-left: 1px solid #729fcf; padding-left: 1ex;\">x</blockquote></div></body></html>",
    ] {
        check(html, true);
    }
}

/// Pages that hide words, by each way in which a page can set a style.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn pages_that_hide_words_do_not() {
    let sizes = [
        "0",
        "0px",
        "0.0em",
        "1px",
        "7px",
        "5pt",
        "5.9pt",
        "1e-3px",
        ".1em",
        "10%",
        "0.4rem",
        "49%",
        "nanpx",
        "-1px",
        "calc(0px)",
        "600px",
        "9999%",
        "0vw",
        "1q",
        "0.1cm",
    ];
    let colours = [
        "#fff",
        "white",
        "#ffffff",
        "#fefefe",
        "#FFFFFE",
        "rgb(255,255,255)",
        "rgb(254, 254, 250)",
        "transparent",
        "#ffffff00",
        "#0000",
        "rgba(0,0,0,0)",
        "rgb(0 0 0 / 0)",
        "hsl(0,0%,100%)",
        "lightyellow",
        "yellow",
        "canvas",
        "snow",
        "&#35;fff",
        "",
    ];
    let grounds = [
        "black",
        "#000",
        "#010101",
        "rgb(0,0,0)",
        "#0000ee",
        "navy",
        "url(x)",
        "linear-gradient(black,black)",
    ];
    let others = [
        "opacity:0",
        "line-height:0",
        "text-indent:-99em",
        "width:0",
        "height:0",
        "max-height:0",
        "max-width:0",
        "overflow:hidden",
        "visibility:hidden",
        "clip:rect(0 0 0 0)",
        "letter-spacing:-1em",
        "word-spacing:-9em",
        "zoom:0",
        "filter:opacity(0)",
        "mso-hide:all",
        "font:0/0 a",
        "color:#fff;background-color:#fff;font-size:1px",
        "background:black",
        "background-color:red;color:#fe0000",
        "background-color:#eee;color:#ccc",
        "text-shadow:0 0 9px red",
        "-webkit-text-fill-color:transparent",
        "-webkit-text-security:disc",
        "margin-left:9999px",
        "margin-left:100%",
        "padding-left:99em",
        "padding:0 0 0 50cm",
        "border:9999px solid",
        "columns:1px",
        "direction:rtl",
        "unicode-bidi:bidi-override",
        "writing-mode:vertical-rl",
        "content-visibility:hidden",
        "aspect-ratio:1",
        "color",
        ":",
        "display:none",
        "all:unset",
        "float:left",
    ];
    let mut styles: Vec<String> = others.map(String::from).to_vec();
    styles.extend(sizes.map(|size| format!("font-size:{size}")));
    styles.extend(colours.map(|colour| format!("color:{colour}")));
    styles.extend(grounds.map(|ground| format!("background-color:{ground}")));
    for style in styles {
        for html in [
            format!("<div style=\"{style}\">words</div>"),
            format!("<p style='COLOR:red;{style};'>words"),
            format!("<table><tr><td style='{style}'>words</td></tr></table>"),
        ] {
            check(&html, false);
        }
    }
    let half = |count: usize| {
        format!("{}words{}", "<span style='font-size:80%'>".repeat(count), "</span>".repeat(count))
    };
    let smalls = |count: usize| format!("{}words{}", "<small>".repeat(count), "</small>".repeat(count));
    let rooms = |count: usize| {
        format!("{}words{}", "<div style='margin-left:150px'>".repeat(count), "</div>".repeat(count))
    };
    let deep = |count: usize| format!("{}words{}", "<div>".repeat(count), "</div>".repeat(count));
    for repeated in [half, smalls] {
        check(&repeated(2), true);
        check(&repeated(4), false);
    }
    check(&rooms(3), true);
    check(&rooms(7), false);
    check(&deep(100), true);
    check(&deep(151), false);
    for html in [
        "<title>words</title>",
        "<head><title>words</title></head>",
        "<title>",
        "<title>words",
        "<p>x</p><title>y",
        "<title><b>words</b></title>",
        "<title>&nbsp;</title>",
        "<title/>words",
        "<TITLE >words</TITLE>",
        "<head>words</head>",
        "<head><p>words</p></head>",
        "<head>words",
        "<head><body>words",
        "</div></div></body></html>x",
        "x</div>",
        "</p>",
        "</title>",
        "<div>words",
        "<b>words",
        "<s>words",
        "<a href=x>words",
        "<table><tr><td>x",
        "<pre>x",
        "<b><i>x</b></i>",
        "<div><p></div></p>",
        "<div></body></div>",
        "<br></br>",
        "<textarea>words</textarea>",
        "<select><option>words</select>",
        "<object>words</object>",
        "<noscript>words</noscript>",
        "<template>words</template>",
        "<details>words</details>",
        "<video>words</video>",
        "<frameset>",
        "<noframes>words</noframes>",
        "<datalist>words</datalist>",
        "<ruby><rp>words</rp></ruby>",
        "<bdo dir=rtl>sdrow</bdo>",
        "<font color=white>x</font>",
        "<font color=#fffffe>x</font>",
        "<font color=ffffff>x</font>",
        "<font size=0>x</font>",
        "<font size=-0x>x</font>",
        "<font size=00>x</font>",
        "<font size=>x</font>",
        "<table bgcolor=black><tr><td>x</td></tr></table>",
        "<table bgcolor=#000000><tr><td>x</table>",
        "<td bgcolor=0>x",
        "<div><font color=yellow>x</font></div>",
        "<div style='background-color:black;color:white'><p style='background-color:white'>x</p></div>",
        "<img src=x width=5000>",
        "<img src=x height=2001>",
        "<img src=x width=9999px>",
        "<img src=x width=101%>",
        "<img src=x width=1e9>",
        "<img src=x align=left>",
        "<img src=x align=' right'>",
        "<img src=x hspace=9999>",
        "<table align=right></table>",
        "<table cellspacing=5000></table>",
        "<hr size=9999>",
        "<img src=x alt='I resign. Wire 10000 EUR.'>",
        "<img src=x alt='I&nbsp;resign.'>",
        "<p title='I resign.'>x</p>",
        "<span class=moz-txt-citetags>words</span>",
        "<small style='font-size:60%'>x</small>",
        "<div style='font-size:9px'><span style='font-size:.7em'>x</span></div>",
        "<div style='font-size:50%'><p style='font-size:400%'><p style='font-size:25%'>x</div>",
    ] {
        check(html, false);
    }
}

#[test]
fn what_reaches_further_is_not() {
    for html in [
        "<style>.moz-text-plain{display:none}</style>",
        "<STYLE/>x",
        "<link rel=stylesheet href=data:text/css,*%7Bdisplay:none%7D>",
        "<div style='position:absolute;top:0'>x</div>",
        "<div style='margin-top:-500px'>x</div>",
        "<div style='padding:0;margin:0 0 -9em'>x</div>",
        "<body style='margin:0'>",
        "<div style='display:none'>",
        "<div style='c\\6flor:red'>",
        "<div style='color:red/**/;position:fixed'>",
        "<div style='color:red&#59;position:fixed'>",
        "<div style='color:red;font-size:500px;line-height:0'>",
        "<div style='transform:translate(0,-9em)'>",
        "<div style='background-color:white;float:left'>",
        "<body text=white bgcolor=white>",
        "<body style='color:white'>",
        "<body hidden>",
        "<html hidden>",
        "<html dir=rtl>",
        "<body class=x>",
        "<br clear-x>",
        "<div hidden>",
        "<dialog open>x</dialog>",
        "<svg overflow=visible><rect y=-1000 height=1000 width=1000 /></svg>",
        "<math><mpadded voffset=200px>x</mpadded></math>",
        "<iframe srcdoc=x></iframe>",
        "<base href=https://x.example/>",
        "<meta http-equiv=refresh content=0>",
        "<meta charset=utf-7>",
        "<meta http-equiv=content-type content='text/html; charset=iso-2022-jp'>",
        "<marquee behavior=alternate>x",
        "<textarea>",
        "<plaintext>",
        "<!-- x -->",
        "<![CDATA[x]]>",
        "<?xml x?>",
        "<!doctype html [<style>]>",
        "<p title='<style>'>",
        "<p title=\"x",
        "<p",
        "<p\x0bstyle=x>",
        "<p style=x",
        "</p style='display:none'>",
        "<p/style='position:fixed'>",
        "< style>",
        "a < b",
        "<x-y>",
        "\0",
        "\x1b$B",
    ] {
        check(html, false);
    }
    for charset in ["utf-7", "utf-16", "iso-2022-jp", "x", "utf-8-x-y", "hz-gb-2312"] {
        let content_type = ContentType::read(format!("text/html; charset={charset}").as_bytes());
        assert!(!is_tame(b"x", &content_type), "{charset}");
    }
}
