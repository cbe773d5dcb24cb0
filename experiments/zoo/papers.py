"""The papers that models of the zoo are from, and how this laboratory is cited itself."""

from __future__ import annotations

from experiments.zoo.paper import Paper, entry
from seqtheory import __version__

OURS = {
    "title": "{seqtheory: a laboratory for what sequence models can remember and compute}",
    "author": "{The seqtheory developers}",
    "note": f"Version {__version__}",
}
"""Fields of our own entry, as in CITATION.cff."""

_ALL = (
    Paper(
        "elman1990",
        "Finding Structure in Time",
        ("Jeffrey L. Elman",),
        1990,
        journal=(
            ("journal", "Cognitive Science"),
            ("volume", "14"),
            ("number", "2"),
            ("pages", "179--211"),
        ),
    ),
    Paper(
        "hochreiter1997lstm",
        "Long Short-Term Memory",
        ("Sepp Hochreiter", "Jürgen Schmidhuber"),
        1997,
        journal=(
            ("journal", "Neural Computation"),
            ("volume", "9"),
            ("number", "8"),
            ("pages", "1735--1780"),
        ),
    ),
    Paper(
        "cho2014gru",
        "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine "
        "Translation",
        ("Kyunghyun Cho", "others"),
        2014,
        "1406.1078",
    ),
    Paper(
        "vaswani2017transformer",
        "Attention Is All You Need",
        ("Ashish Vaswani", "others"),
        2017,
        "1706.03762",
    ),
    Paper(
        "su2021rope",
        "RoFormer: Enhanced Transformer with Rotary Position Embedding",
        ("Jianlin Su", "others"),
        2021,
        "2104.09864",
    ),
    Paper(
        "kazemnejad2023nope",
        "The Impact of Positional Encoding on Length Generalization in Transformers",
        ("Amirhossein Kazemnejad", "others"),
        2023,
        "2305.19466",
    ),
    Paper(
        "lin2025fox",
        "Forgetting Transformer: Softmax Attention with a Forget Gate",
        ("Zhixuan Lin", "Evgenii Nikishin", "Xu Owen He", "Aaron Courville"),
        2025,
        "2503.02130",
    ),
    Paper(
        "yang2025path",
        "PaTH Attention: Position Encoding via Accumulating Householder Transformations",
        ("Songlin Yang", "others"),
        2025,
        "2505.16381",
    ),
    Paper(
        "schlag2021deltanet",
        "Linear Transformers Are Secretly Fast Weight Programmers",
        ("Imanol Schlag", "Kazuki Irie", "Jürgen Schmidhuber"),
        2021,
        "2102.11174",
    ),
    Paper(
        "grazzi2024negative",
        "Unlocking State-Tracking in Linear RNNs Through Negative Eigenvalues",
        ("Riccardo Grazzi", "Julien Siems", "others"),
        2024,
        "2411.12537",
    ),
    Paper(
        "gu2021s4",
        "Efficiently Modeling Long Sequences with Structured State Spaces",
        ("Albert Gu", "Karan Goel", "Christopher Ré"),
        2021,
        "2111.00396",
    ),
    Paper(
        "gu2022s4d",
        "On the Parameterization and Initialization of Diagonal State Space Models",
        ("Albert Gu", "Ankit Gupta", "Karan Goel", "Christopher Ré"),
        2022,
        "2206.11893",
    ),
    Paper(
        "smith2022s5",
        "Simplified State Space Layers for Sequence Modeling",
        ("Jimmy T. H. Smith", "Andrew Warrington", "Scott W. Linderman"),
        2022,
        "2208.04933",
    ),
    Paper(
        "orvieto2023lru",
        "Resurrecting Recurrent Neural Networks for Long Sequences",
        ("Antonio Orvieto", "others"),
        2023,
        "2303.06349",
    ),
    Paper(
        "wang2023stablessm",
        "StableSSM: Alleviating the Curse of Memory in State-space Models through Stable "
        "Reparameterization",
        ("Shida Wang", "Qianxiao Li"),
        2023,
        "2311.14495",
    ),
    Paper(
        "gu2023mamba",
        "Mamba: Linear-Time Sequence Modeling with Selective State Spaces",
        ("Albert Gu", "Tri Dao"),
        2023,
        "2312.00752",
    ),
    Paper(
        "dao2024mamba2",
        "Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured "
        "State Space Duality",
        ("Tri Dao", "Albert Gu"),
        2024,
        "2405.21060",
    ),
    Paper(
        "yang2024gdn",
        "Gated Delta Networks: Improving Mamba2 with Delta Rule",
        ("Songlin Yang", "Jan Kautz", "Ali Hatamizadeh"),
        2024,
        "2412.06464",
    ),
    Paper(
        "siems2025deltaproduct",
        "DeltaProduct: Improving State-Tracking in Linear RNNs via Householder Products",
        (
            "Julien Siems",
            "Timur Carstensen",
            "Arber Zela",
            "Frank Hutter",
            "Massimiliano Pontil",
            "Riccardo Grazzi",
        ),
        2025,
        "2502.10297",
    ),
    Paper(
        "peng2025rwkv7",
        'RWKV-7 "Goose" with Expressive Dynamic State Evolution',
        ("Bo Peng", "others"),
        2025,
        "2503.14456",
    ),
    Paper(
        "beck2024xlstm",
        "xLSTM: Extended Long Short-Term Memory",
        ("Maximilian Beck", "Korbinian Pöppel", "others"),
        2024,
        "2405.04517",
    ),
    Paper(
        "mishra2026m2rnn",
        "M$^2$RNN: Non-Linear RNNs with Matrix-Valued States for Scalable Language Modeling",
        ("Mayank Mishra", "Shawn Tan", "Ion Stoica", "Joseph Gonzalez", "Tri Dao"),
        2026,
        "2603.14360",
    ),
    Paper(
        "mucacirone2024selective",
        "Theoretical Foundations of Deep Selective State-Space Models",
        (
            "Nicola {Muca Cirone}",
            "Antonio Orvieto",
            "Benjamin Walker",
            "Cristopher Salvi",
            "Terry Lyons",
        ),
        2024,
        "2402.19047",
    ),
    Paper(
        "walker2025slice",
        "Structured Linear CDEs: Maximally Expressive and Parallel-in-Time Sequence Models",
        (
            "Benjamin Walker",
            "Lingyi Yang",
            "Nicola {Muca Cirone}",
            "Cristopher Salvi",
            "Terry Lyons",
        ),
        2025,
        "2505.17761",
    ),
    Paper(
        "terzic2025pdssm",
        "Structured Sparse Transition Matrices to Enable State Tracking in State-Space Models",
        (
            "Aleksandar Terzić",
            "Nicolas Menet",
            "Michael Hersche",
            "Thomas Hofmann",
            "Abbas Rahimi",
        ),
        2025,
        "2509.22284",
    ),
    Paper(
        "rusch2024linoss",
        "Oscillatory State-Space Models",
        ("T. Konstantin Rusch", "Daniela Rus"),
        2024,
        "2410.03943",
    ),
    Paper(
        "shakerinava2026diagonal",
        "The Expressive Limits of Diagonal SSMs for State-Tracking",
        ("Mehran Shakerinava", "Behnoush Khavari", "Siamak Ravanbakhsh", "Sarath Chandar"),
        2026,
        "2603.01959",
    ),
    Paper(
        "guo2025loglinear",
        "Log-Linear Attention",
        ("Han Guo", "Songlin Yang", "others"),
        2025,
        "2506.04761",
    ),
    Paper(
        "vonoswald2025mesanet",
        "MesaNet: Sequence Modeling by Locally Optimal Test-Time Training",
        ("Johannes {von Oswald}", "others"),
        2025,
        "2506.05233",
    ),
    Paper(
        "movahedi2025fprnn",
        "Fixed-Point RNNs: Interpolating from Diagonal to Dense",
        ("Sajad Movahedi", "Felix Sarnthein", "Nicola {Muca Cirone}", "Antonio Orvieto"),
        2025,
        "2503.10799",
    ),
    Paper(
        "kimi2025linear",
        "Kimi Linear: An Expressive, Efficient Attention Architecture",
        ("{Kimi Team}",),
        2025,
        "2510.26692",
    ),
    Paper("arxiv2609.24797", "", (), 2026, "2609.24797"),
    Paper(
        "hatamizadeh2026gdn2",
        "Gated DeltaNet-2: Decoupling Erase and Write in Linear Attention",
        ("Ali Hatamizadeh", "Yejin Choi", "Jan Kautz"),
        2026,
        "2605.22791",
    ),
    Paper(
        "yang2023gla",
        "Gated Linear Attention Transformers with Hardware-Efficient Training",
        ("Songlin Yang", "Bailin Wang", "Yikang Shen", "Rameswar Panda", "Yoon Kim"),
        2023,
        "2312.06635",
    ),
    Paper(
        "sun2023retnet",
        "Retentive Network: A Successor to Transformer for Large Language Models",
        ("Yutao Sun", "Li Dong", "others"),
        2023,
        "2307.08621",
    ),
    Paper(
        "qin2024hgrn2",
        "HGRN2: Gated Linear RNNs with State Expansion",
        ("Zhen Qin", "Songlin Yang", "others"),
        2024,
        "2404.07904",
    ),
    Paper(
        "feng2024minrnn",
        "Were RNNs All We Needed?",
        ("Leo Feng", "Frederick Tung", "others"),
        2024,
        "2410.01201",
    ),
    Paper(
        "lahoti2026mamba3",
        "Mamba-3: Improved Sequence Modeling using State Space Principles",
        (
            "Aakash Lahoti",
            "Kevin Y. Li",
            "Berlin Chen",
            "Caitlin Wang",
            "Aviv Bick",
            "J. Zico Kolter",
            "Tri Dao",
            "Albert Gu",
        ),
        2026,
        "2603.15569",
    ),
)
PAPERS = {paper.key: paper for paper in _ALL}
"""All of them, by their keys."""


def project() -> str:
    """Write our own entry for BibTeX, of this version."""
    return entry("misc", "seqtheory", OURS)  # a type that every style knows
