namespace Kv.Core.Merge;

/// <summary>
/// One string for each node's name, where it would otherwise stand in every version once more.
/// </summary>
public sealed class NameTable
{
    private readonly Dictionary<string, string> _names = [];

    public string Unique(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (_names.TryGetValue(name, out string? known)) { return known; }
        // Foreign senders may use as many names as they like: then sharing is given up, not memory.
        if (_names.Count >= MergeLimits.SendersMax) { _names.Clear(); }
        _names.Add(name, name);
        return name;
    }
}
