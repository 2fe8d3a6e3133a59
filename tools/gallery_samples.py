"""The sentences of the gallery: one of each script, with its punctuation, and a word that people misspell."""

from __future__ import annotations

from typing import Final

SAMPLES: Final = {
    "en": "The children believe it's a beautiful morning, because the river is near.",
    "de": "Die Kinder spielen auf der Straße, während es draußen heiß ist.",
    "sw": "Watoto hucheza karibu na mto, kisha huenda shuleni mjini Dodoma.",
    "tr": "Çocuklar İstanbul'da oynar, ama herkes ırmağın kıyısında IŞIK oyununu bilmez.",
    "vi": "Mỗi buổi sáng, trẻ em chơi gần sông và hát những bài hát cũ.",
    "ru": "Дети сегодня пришли к реке, чтобы увидеть ёлку в Москве.",
    "el": "Τα παιδιά παίζουν κοντά στο ποτάμι της Αθήνας· τι τραγουδούν;",
    "ar": "يلعب الأطفالُ كلَّ صباحٍ قرب النهر، فهل تحبّ مدينة القاهرة؟",
    "fa": "آسمان آرام است و بچه‌ها کنار رودخانه، زیر آفتاب، بازی می‌کنند.",
    "he": "הילדים משחקים בכל בוקר ליד בית־הספר, ואומרים שָׁלוֹם.",
    "hi": "बच्चे हर सुबह नदी के किनारे खेलते हैं, और गाँव के लोग हँसते हैं।",
    "bn": "শিশুরা প্রতিদিন সকালে নদীর ধারে খেলা করে, আর গান গায়।",
    "gu": "બાળકો દરરોજ સવારે નદી કિનારે રમે છે, અને ગીતો ગાય છે.",
    "pa": "ਬੱਚੇ ਹਰ ਸਵੇਰ ਨਦੀ ਦੇ ਕੰਢੇ ਖੇਡਦੇ ਹਨ, ਅਤੇ ਗਾਉਂਦੇ ਹਨ।",
    "ta": "குழந்தைகள் தினமும் காலையில் ஆற்றின் அருகே விளையாடுகிறார்கள், பாடுகிறார்கள்.",
    "te": "పిల్లలు ప్రతి ఉదయం నది దగ్గర ఆడుకుంటారు, పాటలు పాడతారు.",
    "ml": "കുട്ടികൾ എല്ലാ ദിവസവും രാവിലെ പുഴയുടെ അരികിൽ കളിക്കുന്നു, പാട്ടുകൾ പാടുന്നു.",
    "th": "เด็กๆ เล่นใกล้แม่น้ำในกรุงเทพฯ ทุกเช้า และร้องเพลง “บ้านเรา” ด้วยกัน",
    "my": "ကလေးများသည် မနက်တိုင်း မြစ်အနီးတွင် ကစားကြပြီး၊ သီချင်းဆိုကြသည်။",
    "ka": "ბავშვები ყოველ დილით მდინარესთან თამაშობენ და „იავნანას“ მღერიან.",
    "ko": "개구쟁이 아이들은 아침마다 강가에서 깨끗이 손을 씻고, 노래를 부릅니다.",
    "ja": "子どもたちは毎朝、川の近くでサッカーをして遊びます。",
    "zh": "孩子们每天早上在河边玩耍，然后去北京的学校。",
}
"""By language: one of each script, and of Latin and Arabic ones with letters or ways of typing of their own."""
