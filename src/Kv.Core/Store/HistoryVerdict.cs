namespace Kv.Core.Store;

/// <summary>What a store's own history says to another node's digests at an offset.</summary>
public enum HistoryVerdict
{
    /// <summary>Equal, as far as both are known.</summary>
    Agrees = 1,

    /// <summary>Before the digests remembered here: nobody can tell any more.</summary>
    TooOld = 2,

    /// <summary>Beyond what was applied here: it can be told later.</summary>
    Ahead = 3,

    /// <summary>The other node was told something else: the log was rewritten under one of the two.</summary>
    OtherHistory = 4,

    /// <summary>Both were told the same and made different things of it: one of them is wrong.</summary>
    OtherContents = 5,
}
