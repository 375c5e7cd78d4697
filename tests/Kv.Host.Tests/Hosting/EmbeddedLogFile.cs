using Kv.Core.Entries;
using Microsoft.Data.Sqlite;

namespace Kv.Host.Tests.Hosting;

/// <summary>The log of a process in embedded mode, read from outside.</summary>
internal static class EmbeddedLogFile
{
    /// <summary>
    /// The chain digest that a node must have at an offset, computed from the entries on disk.
    /// </summary>
    public static string ChainAt(HostProcess host, long offset)
    {
        using SqliteConnection connection = Connect(host, SqliteOpenMode.ReadWrite);
        using SqliteCommand select = connection.CreateCommand();
        select.CommandText = """
            SELECT "offset", entry FROM log WHERE "offset" <= $offset ORDER BY "offset"
            """;
        select.Parameters.AddWithValue("$offset", offset);
        Digest chain = Digest.Zero;
        using SqliteDataReader rows = select.ExecuteReader();
        while (rows.Read())
        {
            chain = chain.Chain(rows.GetInt64(0), Digest.Of(rows.GetFieldValue<byte[]>(1)));
        }
        return chain.ToString();
    }

    internal static SqliteConnection Connect(HostProcess host, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = Path.Combine(host.DataDirectory, "log.sqlite"),
            Mode = mode,
            Pooling = false,
        }.ToString());
        connection.Open();
        return connection;
    }
}
