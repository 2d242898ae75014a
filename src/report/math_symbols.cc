#include <algorithm>
#include <string>
#include <unordered_map>

#include "report/math_text.h"

namespace qk {
namespace {

// The symbols of matplotlib 3.11's mathtext that the built-in font has. Each is a name, then its
// kind (ordinary, binary operator, relation, punctuation) and the character.
constexpr std::string_view kSymbols =
    R"(AA oÅ AE oÆ BbbC oℂ BbbN oℕ BbbP oℙ BbbQ oℚ BbbR oℝ BbbZ oℤ Bumpeq r≎ Cap b⋒ Colon o∷ Cup b⋓
DH oÐ Delta oΔ Doteq r≑ Downarrow r⇓ Equiv r≣ Finv oℲ Game o⅁ Gamma oΓ Im oℑ L oŁ Lambda oΛ
Ldsh r↲ Leftarrow r⇐ Leftrightarrow r⇔ Lleftarrow r⇚ Longleftarrow r⟸ Longleftrightarrow r⟺
Longrightarrow r⟹ Lsh r↰ Nearrow r⇗ Nwarrow r⇖ O oØ OE oŒ Omega oΩ P o¶ Phi oΦ Pi oΠ Psi oΨ
QED o∎ Rdsh r↳ Re oℜ Rightarrow r⇒ Rrightarrow r⇛ Rsh r↱ S o§ Searrow r⇘ Sigma oΣ Subset r⋐
Supset r⋑ Swarrow r⇙ Theta oΘ Thorn oÞ Uparrow r⇑ Updownarrow r⇕ Upsilon oΥ Vdash r⊩ Vert o‖
Vvdash r⊪ Xi oΞ aa oå ac o∾ acwopencirclearrow o↺ adots o⋰ ae oæ aleph oℵ alpha oα angle o∠
approx r≈ approxeq r≊ approxident r≋ arceq r≘ ast b∗ asterisk o* asymp r≍ backcong r≌
backepsilon r϶ backprime o‵ backsim r∽ backsimeq r⋍ backslash o\ bagmember r⋿ barleftarrow r⇤
barvee b⊽ barwedge b⊼ because r∵ beta oβ beth oℶ between r≬ bigcap o⋂ bigcirc b○ bigcup o⋃
bigodot o⨀ bigoplus o⨁ bigotimes o⨂ bigstar o★ bigtriangledown b▽ bigtriangleup b△ bigvee o⋁
bigwedge o⋀ blacksquare o■ blacktriangle o▴ blacktriangledown o▾ blacktriangleleft r◀
blacktriangleright r▶ bot r⊥ bowtie r⋈ boxbar b◫ boxdot b⊡ boxminus b⊟ boxplus b⊞ boxtimes b⊠
bullet b∙ bumpeq r≏ cap b∩ carriagereturn o↵ cdot b⋅ cdotp p· cdots o⋯ cent o¢ checkmark o✓
chi oχ circ b∘ circeq r≗ circlearrowleft r↺ circlearrowright r↻ circledR o® circledast b⊛
circledcirc b⊚ circleddash b⊝ clubsuit o♣ clubsuitopen o♧ colon o: coloneq r≔ complement o∁
cong r≅ coprod o∐ copyright o© cup b∪ cupdot b⊍ cupleftarrow r⊌ curlyeqprec r⋞ curlyeqsucc r⋟
curlyvee b⋎ curlywedge b⋏ curvearrowleft r↶ curvearrowright r↷ cwopencirclearrow r↻ dag o†
dagger b† daleth oℸ danger o☡ dashv r⊣ ddag o‡ ddagger b‡ ddots o⋱ degree o° delta oδ dh oð
diamond b⋄ diamondsuit o♢ digamma oϝ disin r⋲ div b÷ divideontimes b⋇ doteq r≐ doteqdot r≑
dotminus b∸ dotplus b∔ dots r… dotsminusdots b∺ doublebarwedge b⌆ downarrow r↓ downdownarrows r⇊
downharpoonleft r⇃ downharpoonright r⇂ downzigzagarrow r↯ ell oℓ emdash o— emptyset o∅ endash o–
epsilon oε eqcirc r≖ eqcolon r≕ eqdef r≝ eqgtr r⋝ eqless r⋜ eqsim r≂ eqslantgtr r⪖
eqslantless r⪕ equal r= equalparallel r⋕ equiv r≡ eta oη eth oð exists o∃ fallingdotseq r≒
flat o♭ forall o∀ frakC oℭ frakZ oℨ gamma oγ geq r≥ geqq r≧ geqslant r⩾ gg r≫ ggg r⋙ gimel oℷ
gnapprox r⪊ gneqq r≩ gnsim r⋧ greater o> gtrapprox r⪆ gtrdot r⋗ gtreqless r⋛ gtreqqless r⪌
gtrless r≷ gtrsim r≳ guillemotleft o« guillemotright o» guilsinglleft o‹ guilsinglright o›
hbar oħ heartsuit o♡ hermitmatrix o⊹ hookleftarrow r↩ hookrightarrow r↪ hslash oℏ i oı iiiint o⨌
iiint o∭ iint o∬ imageof o⊷ imath oı in r∈ increment o∆ infty o∞ int o∫ intercal b⊺ invnot o⌐
iota oι isinE r⋹ isindot r⋵ isinobar r⋷ isins r⋴ isinvb r⋸ jmath oȷ kappa oκ
kernelcontraction o∻ l oł lambda oλ lambdabar oƛ langle o⟨ lasp oʽ lbrace o{ lbrack o[ lceil o⌈
ldots o… leadsto r⇝ leftarrow r← leftarrowtail r↢ leftbrace o{ leftharpoondown r↽
leftharpoonup r↼ leftleftarrows r⇇ leftparen o( leftrightarrow r↔ leftrightarrows r⇆
leftrightharpoons r⇋ leftrightsquigarrow r↭ leftsquigarrow r↜ leftthreetimes b⋋ leq r≤ leqq r≦
leqslant r⩽ less o< lessapprox r⪅ lessdot r⋖ lesseqgtr r⋚ lesseqqgtr r⪋ lessgtr r≶ lesssim r≲
lfloor o⌊ lhd b◁ ll r≪ llcorner o⌞ lll r⋘ lnapprox r⪉ lneqq r≨ lnsim r⋦ longleftarrow r⟵
longleftrightarrow r⟷ longmapsto r⟼ longrightarrow r⟶ looparrowleft r↫ looparrowright r↬ lq o‘
lrcorner o⌟ ltimes r⋉ macron o¯ maltese o✠ mapsdown r↧ mapsfrom r↤ mapsto r↦ mapsup r↥ measeq r≞
measuredangle o∡ measuredrightangle r⊾ mho o℧ mid r∣ minus o− minuscolon b∹ models r⊧ mp b∓
mu oμ multimap r⊸ nLeftarrow r⇍ nLeftrightarrow r⇎ nRightarrow r⇏ nVDash r⊯ nVdash r⊮ nabla o∇
napprox r≉ natural o♮ ncong r≇ ne r≠ nearrow r↗ neg o¬ neq r≠ nequiv r≢ nexists o∄ ngeq r≱
ngtr r≯ ngtrless r≹ ngtrsim r≵ ni r∋ niobar r⋾ nis r⋼ nisd r⋺ nleftarrow r↚ nleftrightarrow r↮
nleq r≰ nless r≮ nlessgtr r≸ nlesssim r≴ nmid r∤ notin r∉ notsmallowns r∌ nparallel r∦ nprec r⊀
npreccurlyeq r⋠ nrightarrow r↛ nsim r≁ nsimeq r≄ nsqsubseteq r⋢ nsqsupseteq r⋣ nsubset r⊄
nsubseteq r⊈ nsucc r⊁ nsucccurlyeq r⋡ nsupset r⊅ nsupseteq r⊉ ntriangleleft r⋪
ntrianglelefteq r⋬ ntriangleright r⋫ ntrianglerighteq r⋭ nu oν nvDash r⊭ nvdash r⊬ nwarrow r↖
o oø odot b⊙ oe oœ oequal r⊜ oiiint o∰ oiint o∯ oint o∮ omega oω ominus b⊖ oplus b⊕ origof o⊶
oslash b⊘ otimes b⊗ parallel r∥ partial o∂ perthousand o‰ phi oϕ pi oπ pitchfork r⋔ plus o+
pm b± prec r≺ precapprox r⪷ preccurlyeq r≼ preceq r≼ precnapprox r⪹ precnsim r⋨ precsim r≾
prime o′ prod o∏ propto r∝ prurel o⊰ psi oψ quad o  questeq r≟ rangle o⟩ rasp oʼ ratio r∶
rbrace o} rbrack o] rceil o⌉ rfloor o⌋ rhd b▷ rho oρ rightModels r⊫ rightangle r∟ rightarrow r→
rightarrowbar r⇥ rightarrowtail r↣ rightassert r⊦ rightbrace o} rightharpoondown r⇁
rightharpoonup r⇀ rightleftarrows r⇄ rightleftharpoons r⇌ rightparen o) rightrightarrows r⇉
rightsquigarrow r↝ rightthreetimes b⋌ rightzigzagarrow r⇝ ring o˚ risingdotseq r≓ rq o’
rtimes r⋊ scrB oℬ scrE oℰ scrF oℱ scrH oℋ scrI oℐ scrL oℒ scrM oℳ scrR oℛ scre oℯ scro oℴ
scurel r⊱ searrow r↘ setminus b∖ sharp o♯ sigma oσ sim r∼ simeq r≃ simneqq r≆ sinewave o∿
slash b∕ smallin r∊ smallintclockwise o∱ smallointctrcclockwise o∳ smallowns r∍ smallsetminus o∖
smallvarointclockwise o∲ spadesuit o♠ spadesuitopen o♤ sphericalangle o∢ sqcap b⊓ sqcup b⊔
sqsubset r⊏ sqsubseteq r⊑ sqsubsetneq r⋤ sqsupset r⊐ sqsupseteq r⊒ sqsupsetneq r⋥ ss oß star b⋆
stareq r≛ sterling o£ subset r⊂ subseteq r⊆ subsetneq r⊊ succ r≻ succapprox r⪸ succcurlyeq r≽
succeq r≽ succnapprox r⪺ succnsim r⋩ succsim r≿ sum o∑ supset r⊃ supseteq r⊇ supsetneq r⊋
swarrow r↙ tau oτ textasciiacute o´ textasciicircum o^ textasciigrave o` textasciitilde o~
textexclamdown o¡ textquestiondown o¿ textquotedblleft o“ textquotedblright o” therefore r∴
theta oθ thickspace o  thorn oþ times b× to r→ top r⊤ triangle r△ triangledown o▿ triangleeq r≜
triangleleft b◁ trianglelefteq r⊴ triangleq r≜ triangleright b▷ trianglerighteq r⊵ turnednot o⌙
twoheaddownarrow r↡ twoheadleftarrow r↞ twoheadrightarrow r↠ twoheaduparrow r↟ ulcorner o⌜
unlhd b⊴ unrhd b⊵ uparrow r↑ updownarrow r↕ updownarrowbar r↨ updownarrows r⇅ upharpoonleft r↿
upharpoonright r↾ uplus b⊎ upsilon oυ upuparrows r⇈ urcorner o⌝ vDash r⊨ varepsilon oε
varisinobar r⋶ varisins r⋳ varkappa oϰ varlrtriangle r⊿ varniobar r⋽ varnis r⋻ varnothing o∅
varphi oφ varpi oϖ varpropto r∝ varrho oϱ varsigma oς vartheta oϑ vartriangle o▵
vartriangleleft r⊲ vartriangleright r⊳ vdash r⊢ vdots o⋮ vee b∨ veebar b⊻ veeeq r≚ vert o|
wedge b∧ wedgeq r≙ wp o℘ wr b≀ xi oξ yen o¥ zeta oζ
ge r≥ gt r> le r≤ lt r< perp r⊥)";

SymbolKind kind_of(char letter) {
  switch (letter) {
    case 'b':
      return SymbolKind::kBinary;
    case 'r':
      return SymbolKind::kRelation;
    case 'p':
      return SymbolKind::kPunctuation;
    default:
      return SymbolKind::kOrdinary;
  }
}

std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(" \n"));
  text.remove_prefix(word.size());
  return word;
}

std::unordered_map<std::string_view, MathSymbol> all_symbols() {
  std::unordered_map<std::string_view, MathSymbol> out;
  std::string_view rest = kSymbols;
  for (std::string_view name = next_word(rest); !name.empty(); name = next_word(rest)) {
    const std::string_view symbol = next_word(rest);
    out[name] = {symbol.substr(1), kind_of(symbol[0])};
  }
  return out;
}

}  // namespace

std::optional<MathSymbol> math_symbol(std::string_view name) {
  static const std::unordered_map<std::string_view, MathSymbol> symbols = all_symbols();
  const auto found = symbols.find(name);
  if (found == symbols.end()) return std::nullopt;
  return found->second;
}

}  // namespace qk
