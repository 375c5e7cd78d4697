using System.Collections;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Kv.Etcd.Tests.Systems;
using Kv.Protos.Etcd;

namespace Kv.Etcd.Tests.Differential;

/// <summary>
/// Between one server and what is the same on all: requests in handles become the server's, and its replies
/// become text in handles, with every field that was set. What is masked: cluster_id, member_id and raft_term
/// say only whether they were set.
/// </summary>
internal sealed class Translation(RevisionMap revisions, LeaseMap leases)
{
    private static readonly HashSet<string> RevisionFields =
    [
        "revision", "create_revision", "mod_revision", "min_mod_revision", "max_mod_revision",
        "min_create_revision", "max_create_revision", "compact_revision", "start_revision",
    ];

    private static readonly HashSet<string> LeaseFields = ["lease", "ID"];

    private static readonly HashSet<string> MaskedFields = ["cluster_id", "member_id", "raft_term"];

    // Both come out of a hash map, or by expiry: no order to rely on.
    private static readonly HashSet<string> UnorderedFields =
    [
        $"{LeaseLeasesResponse.Descriptor.FullName}.leases",
        $"{LeaseTimeToLiveResponse.Descriptor.FullName}.keys",
    ];

    public RevisionMap Revisions => revisions;

    /// <summary>The request as this server has to get it.</summary>
    public IMessage ToServer(IMessage request)
    {
        IMessage copy = request.Descriptor.Parser.ParseFrom(request.ToByteArray());
        TranslateFields(copy);
        return copy;
    }

    /// <summary>
    /// Takes notice of what the answer tells, and gives it as text.
    /// </summary>
    public string Describe(IMessage request, Answer answer)
    {
        if (answer is not Answer.Reply { Message: var reply })
        {
            return answer.ToString();
        }
        if (HeaderOf(reply) is { } header)
        {
            revisions.Saw(header.Revision, Wrote(reply));
        }
        switch (reply)
        {
            case LeaseGrantResponse grant:
                leases.Granted(grant.ID, wasChosen: ((LeaseGrantRequest)request).ID == 0);
                break;
            case LeaseKeepAliveResponse { TTL: > 0 } kept:
                leases.Granted(kept.ID, wasChosen: false);
                break;
        }
        return Describe(reply);
    }

    public string Describe(IMessage message)
    {
        var text = new StringBuilder(message.Descriptor.Name).Append(" {");
        foreach (FieldDescriptor field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            object value = field.Accessor.GetValue(message);
            if (IsSet(message, field, value))
            {
                text.Append(' ').Append(field.Name).Append(": ").Append(DescribeField(message, field, value));
            }
        }
        return text.Append(" }").ToString();
    }

    private static ResponseHeader? HeaderOf(IMessage reply) =>
        reply.Descriptor.FindFieldByName("header")?.Accessor.GetValue(reply) as ResponseHeader;

    private static bool Wrote(IMessage reply) => reply switch
    {
        PutResponse => true,
        DeleteRangeResponse delete => delete.Deleted > 0,
        TxnResponse txn => txn.Responses.Any(static part =>
            part.ResponsePut is not null
            || (part.ResponseDeleteRange is { } delete && Wrote(delete))
            || (part.ResponseTxn is { } nested && Wrote(nested))),
        _ => false,
    };

    private static bool IsSet(IMessage message, FieldDescriptor field, object? value)
    {
        if (field.RealContainingOneof is { } oneof)
        {
            return oneof.Accessor.GetCaseFieldDescriptor(message) == field;
        }
        return value switch
        {
            null => false,
            IList list => list.Count > 0,
            ByteString bytes => !bytes.IsEmpty,
            string text => text.Length > 0,
            Enum => Convert.ToInt32(value) != 0,
            IMessage => true,
            _ => !value.Equals(Activator.CreateInstance(value.GetType())),
        };
    }

    private string DescribeField(IMessage message, FieldDescriptor field, object value)
    {
        if (value is IList list)
        {
            IEnumerable<string> items = list.Cast<object>().Select(item => DescribeOne(message, field, item));
            return $"[{string.Join(", ", UnorderedFields.Contains(field.FullName) ? items.Order() : items)}]";
        }
        return DescribeOne(message, field, value);
    }

    private string DescribeOne(IMessage message, FieldDescriptor field, object value) => value switch
    {
        IMessage nested => Describe(nested),
        ByteString bytes => $"\"{Escaped(Keys.Text(bytes))}\"",
        _ when MaskedFields.Contains(field.Name) => "set",
        long remaining when message is LeaseTimeToLiveResponse left && field.Name == "TTL" =>
            leases.DescribeRemaining(left.ID, remaining, left.GrantedTTL),
        long lease when LeaseFields.Contains(field.Name) => leases.Describe(lease),
        long revision when message is ResponseHeader => revisions.DescribeHeader(revision),
        long revision when RevisionFields.Contains(field.Name) => revisions.Describe(revision),
        string text => $"\"{text}\"",
        _ => $"{value}",
    };

    private static string Escaped(string text) => string.Concat(
        text.Select(static c => c is >= ' ' and < '\x7f' ? $"{c}" : $"\\x{(int)c:x2}"));

    private void TranslateFields(IMessage message)
    {
        foreach (FieldDescriptor field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            object value = field.Accessor.GetValue(message);
            if (!IsSet(message, field, value))
            {
                continue;
            }
            switch (value)
            {
                case IList list:
                    foreach (IMessage item in list.OfType<IMessage>())
                    {
                        TranslateFields(item);
                    }
                    break;
                case IMessage nested:
                    TranslateFields(nested);
                    break;
                case long lease when LeaseFields.Contains(field.Name):
                    field.Accessor.SetValue(message, leases.ToServer(lease));
                    break;
                case long handle when RevisionFields.Contains(field.Name):
                    field.Accessor.SetValue(message, revisions.ToServer(handle));
                    break;
            }
        }
    }
}
